package io.maniple.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.maniple.cuda.driver.DeviceException;
import io.maniple.cuda.emulation.EmulatedDriver;
import io.maniple.cuda.emulation.EmulationSettings;
import io.maniple.cuda.emulation.HostCompiler;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TestKernelLibrary {
    @TempDir
    private Path parent;

    private static KernelText kernel(int number) {
        return KernelText.of(name -> "struct " + name + "_box { long long* at; };\nextern \"C\" __global__ void " + name
                + "(const " + name + "_box box) { *box.at = " + number + "; }\n");
    }

    private KernelLibrary library(Optional<Path> folder) throws DeviceException {
        return new KernelLibrary(
                new EmulatedDriver(EmulationSettings.defaults(), 1), new HostCompiler("g++"), new CodeCache(folder));
    }

    private Path folder() throws IOException {
        return Files.createDirectories(
                parent.resolve("kernels"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }

    @Test
    void namesAKernelByItsText() {
        assertThat(kernel(1).name())
                .isEqualTo(kernel(1).name())
                .isNotEqualTo(kernel(2).name());
    }

    @Test
    void compilesTogetherAndFindsAgain() throws Exception {
        List<KernelText> kernels = List.of(kernel(1), kernel(2), kernel(3));
        try (KernelLibrary library = library(Optional.of(folder()))) {
            library.require(kernels);
            library.require(kernels);
            assertThat(library.compiledCount()).isEqualTo(3);
            assertThat(library.isReady(kernels)).isTrue();
        }
        try (KernelLibrary library = library(Optional.of(folder()))) {
            library.require(List.of(kernel(2), kernel(4)));
            assertThat(library.foundCount()).isEqualTo(1);
            assertThat(library.compiledCount()).isEqualTo(1);
        }
    }

    @Test
    void compilesAgainWhatIsDamaged() throws Exception {
        try (KernelLibrary library = library(Optional.of(folder()))) {
            library.require(List.of(kernel(1)));
        }
        for (String end : new String[] {".code", ".in"}) {
            for (boolean truncated : new boolean[] {false, true}) {
                damage(end, truncated);
                try (KernelLibrary library = library(Optional.of(folder()))) {
                    library.require(List.of(kernel(1)));
                    assertThat(library.compiledCount()).isEqualTo(1);
                    assertThat(library.function(kernel(1))).isNotNull();
                }
            }
        }
        try (KernelLibrary library = library(Optional.of(folder()))) {
            library.require(List.of(kernel(1)));
            assertThat(library.foundCount()).isEqualTo(1);
        }
    }

    private void damage(String end, boolean truncated) throws IOException {
        try (Stream<Path> files = Files.list(folder())) {
            Path file = files.filter(path -> path.toString().endsWith(end))
                    .findFirst()
                    .orElseThrow();
            byte[] content = Files.readAllBytes(file);
            content[content.length / 2] ^= 4;
            Files.write(file, truncated ? java.util.Arrays.copyOf(content, content.length / 2) : content);
        }
    }

    @Test
    void keepsNothingWhereOthersCanWrite() throws Exception {
        Path open = Files.createDirectory(parent.resolve("open"));
        Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwxrwx"));
        try (KernelLibrary library = library(Optional.of(open))) {
            library.require(List.of(kernel(1)));
        }
        assertThat(open).isEmptyDirectory();
    }

    @Test
    void compilesInTheBackground() throws Exception {
        try (KernelLibrary library = library(Optional.empty())) {
            library.prepare(List.of(kernel(1)));
            long end = System.nanoTime() + 60_000_000_000L;
            while (!library.isReady(List.of(kernel(1))) && System.nanoTime() < end) {
                Thread.sleep(5);
            }
            assertThat(library.isReady(List.of(kernel(1)))).isTrue();
        }
    }
}
