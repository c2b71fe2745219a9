package io.maniple.server.json;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class TestJson {
    @Test
    void writesWhatJsonHas() {
        Json json = new Json()
                .field("text", "a \"b\" \\ \n \u2028")
                .field("number", 7)
                .field("part", 0.5)
                .field("none", Double.NaN)
                .field("yes", true)
                .texts("names", List.of("x", "y\t"))
                .numbers("values", new double[] {1, 2.5})
                .number("exact", "12.340")
                .object("inner", inner -> inner.field("deep", -1).object("empty", empty -> {}))
                .list("rows", List.of(1, 2), (row, item) -> item.field("row", row));
        assertThat(json)
                .hasToString(
                        "{\"text\": \"a \\\"b\\\" \\\\ \\u000a \\u2028\", \"number\": 7, \"part\": 0.5, \"none\": null,"
                                + " \"yes\": true, \"names\": [\"x\", \"y\\u0009\"], \"values\": [1.0, 2.5], \"exact\": 12.340,"
                                + " \"inner\": {\"deep\": -1, \"empty\": {}}, \"rows\": [{\"row\": 1}, {\"row\": 2}]}");
        assertThat(new Json()).hasToString("{}");
    }
}
