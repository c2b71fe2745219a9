package io.maniple.cuda.nvidia;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.maniple.cuda.AllKernelForms;
import io.maniple.cuda.CudaSource;
import io.maniple.cuda.KernelText;
import io.maniple.cuda.driver.DeviceException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * NVIDIA's compiler takes every form of every kernel, for GPUs that are not there. A sample of them, or with
 * {@code -Dmaniple.kernels=all} all of them, which takes a quarter of an hour.
 */
class TestNvrtc {
    private static final int TOGETHER = 48;
    private static final int SAMPLE = 24;

    private Path wheel = Path.of("");

    @BeforeEach
    void findWheel() throws Exception {
        Path root = Path.of(System.getProperty("maniple.root"), ".venv", "lib");
        Assumptions.assumeTrue(Files.isDirectory(root), "no .venv: ./test makes one");
        try (Stream<Path> files = Files.find(
                root, 6, (path, attributes) -> path.getFileName().toString().startsWith("libnvrtc.so."))) {
            wheel = files.findFirst().map(Path::getParent).orElse(Path.of(""));
        }
        Assumptions.assumeTrue(
                wheel.isAbsolute(), "no NVRTC in .venv: pip install -r requirements/test.txt (./test does that)");
    }

    @ParameterizedTest
    @ValueSource(strings = {"sm_75", "sm_80", "sm_90", "sm_100"})
    void compilesEveryForm(String architecture) throws Exception {
        Nvrtc nvrtc = new Nvrtc(List.of(wheel));
        List<KernelText> chosen = AllKernelForms.texts();
        if (!System.getProperty("maniple.kernels", "").equals("all")) {
            List<KernelText> sample = new ArrayList<>();
            // Others for each architecture.
            int first = architecture.hashCode() & 15;
            for (int index = first; index < chosen.size(); index += chosen.size() / SAMPLE) {
                sample.add(chosen.get(index));
            }
            chosen = sample;
        }
        for (int first = 0; first < chosen.size(); first += TOGETHER) {
            List<KernelText> together = chosen.subList(first, Math.min(chosen.size(), first + TOGETHER));
            StringBuilder source = new StringBuilder(CudaSource.PRELUDE);
            together.forEach(kernel -> source.append(kernel.text()));
            byte[] code = nvrtc.compile(source.toString(), architecture);
            // An ELF file that names all of them.
            assertThat(new String(code, 0, 4, java.nio.charset.StandardCharsets.ISO_8859_1))
                    .isEqualTo("\u007fELF");
            String text = new String(code, java.nio.charset.StandardCharsets.ISO_8859_1);
            assertThat(together).allSatisfy(kernel -> assertThat(text).contains(kernel.name()));
        }
    }

    @Test
    void saysWhatTheCompilerSays() {
        Nvrtc nvrtc = new Nvrtc(List.of(wheel));
        assertThatThrownBy(() -> nvrtc.compile("this is no kernel", "sm_90"))
                .hasMessageContaining("refuses a kernel for sm_90")
                .hasMessageContaining("kernels.cu(1)");
        assertThatThrownBy(() -> nvrtc.compile("", "sm_1")).hasMessageContaining("sm_1");
    }

    @Test
    void saysWhatIsMissing() throws Exception {
        Path empty = Files.createTempDirectory("empty");
        Nvrtc nvrtc = new Nvrtc(List.of(empty, empty.resolve("missing")));
        Assumptions.assumeFalse(Files.exists(Path.of("/usr/local/cuda/lib64")), "a toolkit is installed here");
        assertThatThrownBy(() -> nvrtc.compile("", "sm_90"))
                .isInstanceOfSatisfying(
                        DeviceException.class,
                        failure -> assertThat(failure.kind()).isEqualTo(DeviceException.Kind.NO_COMPILER))
                .hasMessageContaining("pip install 'maniple[gpu]'");
        Files.delete(empty);
    }
}
