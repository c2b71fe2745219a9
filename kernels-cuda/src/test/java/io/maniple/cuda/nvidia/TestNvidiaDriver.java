package io.maniple.cuda.nvidia;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The binding of the driver, with a driver that works on the host's memory in its place. */
class TestNvidiaDriver {
    @TempDir
    private static Path folder;

    @BeforeAll
    static void makeDriver() throws Exception {
        FakeLibraries.compile(folder, "fake_cuda.cpp", "libcuda.so.1");
    }

    private static String probe(boolean withDriver, boolean withNatives, Map<String, String> environment)
            throws Exception {
        Path natives = Path.of("target", "native").toAbsolutePath();
        assertThat(natives.resolve("libJCudaDriver-12.6.0-linux-x86_64.so")).exists();
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-Djava.library.path=" + (withNatives ? natives : folder),
                "-Djava.io.tmpdir=" + Files.createTempDirectory(folder, "tmp"),
                "-cp",
                System.getProperty("java.class.path"),
                "io.maniple.cuda.nvidia.DriverProbe"));
        Path output = Files.createTempFile(folder, "probe", ".txt");
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
        builder.environment().put("LD_LIBRARY_PATH", withDriver ? folder.toString() : "");
        builder.environment().putAll(environment);
        Process process = builder.start();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return Files.readString(output);
    }

    @Test
    void makesEachCallWithItsArguments() throws Exception {
        assertThat(probe(true, true, Map.of()).lines())
                .satisfiesExactly(
                        line -> assertThat(line)
                                .contains("name=Fake GPU", "architecture=sm_90", "driverVersion=13.0")
                                .contains("multiprocessors=132", "memoryBytes=16777216"),
                        line -> assertThat(line).isEqualTo("taken 8192"),
                        // The upload began one number later, the copy two numbers after that.
                        line -> assertThat(line).isEqualTo("copied 5000015 3000009 0 0.0025"),
                        line -> assertThat(line).isEqualTo("from another thread"),
                        line -> assertThat(line)
                                .isEqualTo("OUT_OF_MEMORY: 1073741824 bytes do not fit in the GPU's memory, of which"
                                        + " 16769024 of 16777216 bytes are free"),
                        line -> assertThat(line).startsWith("REFUSED: cuModuleLoadData"),
                        line -> assertThat(line).startsWith("REFUSED: cuModuleGetFunction"),
                        line -> assertThat(line)
                                .isEqualTo("LOST: cuLaunchKernel: an illegal memory access was encountered"
                                        + " (CUDA error 700)"),
                        line -> assertThat(line).isEqualTo("left 0"));
    }

    @Test
    void saysWhatIsMissing() throws Exception {
        assertThat(probe(false, true, Map.of()))
                .startsWith("UNAVAILABLE: there is no NVIDIA driver on this machine: libcuda.so.1: cannot open");
        assertThat(probe(true, false, Map.of()))
                .startsWith("UNAVAILABLE: libJCudaDriver-12.6.0-linux-x86_64.so is not in java.library.path");
        assertThat(probe(true, true, Map.of("FAKE_CUDA_VERSION", "11040")))
                .startsWith("UNAVAILABLE: the NVIDIA driver is for CUDA 11.4; Maniple needs one for CUDA 12.0");
        assertThat(probe(true, true, Map.of("FAKE_CUDA_NONE", "1")))
                .startsWith("UNAVAILABLE: the NVIDIA driver knows no GPU");
    }

    @Test
    void looksInNoSharedFolder() throws Exception {
        // JCuda by itself would take this one.
        Path planted = folder.resolve("libJCudaDriver-12.6.0-linux-x86_64.so");
        Path temporary = Files.createTempDirectory(folder, "shared");
        Files.writeString(temporary.resolve(planted.getFileName()), "not a library");
        assertThat(probe(true, false, Map.of("TMPDIR", temporary.toString())))
                .contains("is not in java.library.path")
                .doesNotContain("not a library");
    }
}
