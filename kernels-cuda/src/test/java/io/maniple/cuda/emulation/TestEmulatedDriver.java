package io.maniple.cuda.emulation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.maniple.cuda.driver.DeviceException;
import io.maniple.cuda.driver.Driver;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

class TestEmulatedDriver {
    private static final String ORDER = """
            struct order_box { unsigned* next; unsigned* list; };
            extern "C" __global__ void order(const order_box box) {
                if (threadIdx.x == 0) box.list[atomicAdd(box.next, 1u)] = blockIdx.x;
            }
            """;
    private static final String SUM = """
            struct sum_box { const double* in; double* out; };
            extern "C" __global__ void sum(const sum_box box) {
                __shared__ double s[64];
                s[threadIdx.x] = box.in[blockIdx.x * 64 + threadIdx.x];
                __syncthreads();
                for (int distance = 32; distance > 0; distance /= 2) {
                    if (threadIdx.x < distance) s[threadIdx.x] += s[threadIdx.x + distance];
                    __syncthreads();
                }
                if (threadIdx.x == 0) box.out[blockIdx.x] = s[0];
            }
            struct warp_box { const int* in; int* out; };
            extern "C" __global__ void warp(const warp_box box) {
                int x = box.in[threadIdx.x];
                for (int distance = 16; distance > 0; distance /= 2) x += __shfl_down_sync(0xffffffffu, x, distance);
                if (threadIdx.x % 32 == 0) box.out[threadIdx.x / 32] = x;
            }
            struct stuck_box { int* out; };
            extern "C" __global__ void stuck(const stuck_box box) {
                if (threadIdx.x < 5) return;
                __syncthreads();
            }
            """;
    private static final String OUTSIDE = """
            struct outside_box { char* at; long long offset; };
            extern "C" __global__ void outside(const outside_box box) { box.at[box.offset] = 1; }
            """;

    private static EmulatedDriver driver(String settings) throws DeviceException {
        return new EmulatedDriver(EmulationSettings.parse(settings), 7);
    }

    private static byte[] words(long... words) {
        ByteBuffer buffer = ByteBuffer.allocate(8 * words.length).order(ByteOrder.LITTLE_ENDIAN);
        for (long word : words) {
            buffer.putLong(word);
        }
        return buffer.array();
    }

    private static Driver.Function function(Driver driver, String source, String name) throws DeviceException {
        return driver.load(new HostCompiler("g++").compile(source, "emulated")).function(name);
    }

    @Test
    void runsBlocksInOrdersOfTheirOwn() throws Exception {
        try (Driver driver = driver("1");
                Driver.Stream stream = driver.stream();
                Arena arena = Arena.ofConfined()) {
            Driver.Function order = function(driver, ORDER, "order");
            long next = driver.allocate(4);
            long list = driver.allocate(4 * 12);
            MemorySegment[] seen = new MemorySegment[2];
            for (int run = 0; run < 2; run++) {
                stream.zero(next, 4);
                stream.launch(order, new Driver.Grid(12, 1, 4, 1), words(next, list));
                seen[run] = arena.allocate(4 * 12);
                stream.download(list, seen[run].address(), 4 * 12);
                stream.synchronize();
                assertThat(seen[run].toArray(ValueLayout.JAVA_INT))
                        .containsExactlyInAnyOrder(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
            }
            assertThat(seen[0].mismatch(seen[1])).isNotNegative();
            driver.free(next);
            driver.free(list);
        }
    }

    @Test
    void threadsWaitForOneAnother() throws Exception {
        try (Driver driver = driver("1");
                Driver.Stream stream = driver.stream();
                Arena arena = Arena.ofConfined()) {
            long in = driver.allocate(8 * 128);
            long out = driver.allocate(16);
            MemorySegment host = arena.allocate(8 * 128);
            for (int index = 0; index < 128; index++) {
                host.setAtIndex(ValueLayout.JAVA_DOUBLE, index, index);
            }
            stream.upload(host.address(), in, 8 * 128);
            stream.launch(function(driver, SUM, "sum"), new Driver.Grid(2, 1, 64, 1), words(in, out));
            stream.download(out, host.address(), 16);
            stream.synchronize();
            assertThat(host.getAtIndex(ValueLayout.JAVA_DOUBLE, 0)).isEqualTo(63 * 64 / 2.0);
            assertThat(host.getAtIndex(ValueLayout.JAVA_DOUBLE, 1)).isEqualTo(127 * 128 / 2.0 - 63 * 64 / 2.0);
            for (int index = 0; index < 64; index++) {
                host.setAtIndex(ValueLayout.JAVA_INT, index, index);
            }
            stream.upload(host.address(), in, 4 * 64);
            stream.launch(function(driver, SUM, "warp"), new Driver.Grid(1, 1, 64, 1), words(in, out));
            stream.download(out, host.address(), 8);
            stream.synchronize();
            assertThat(host.getAtIndex(ValueLayout.JAVA_INT, 0)).isEqualTo(31 * 32 / 2);
            assertThat(host.getAtIndex(ValueLayout.JAVA_INT, 1)).isEqualTo(63 * 64 / 2 - 31 * 32 / 2);
        }
    }

    @Test
    void findsBarriersThatSomeThreadsNeverReach() throws Exception {
        try (Driver driver = driver("1");
                Driver.Stream stream = driver.stream()) {
            long out = driver.allocate(16);
            stream.launch(function(driver, SUM, "stuck"), new Driver.Grid(1, 1, 64, 1), words(out));
            assertThatThrownBy(stream::synchronize).hasMessageContaining("waited at a barrier");
            assertThatThrownBy(() -> driver.allocate(8)).hasMessageContaining("waited at a barrier");
        }
    }

    @Test
    void findsWritesOutsideOfBuffers() throws Exception {
        for (long offset : new long[] {-1, 64, 200}) {
            try (Driver driver = driver("1");
                    Driver.Stream stream = driver.stream()) {
                long address = driver.allocate(64);
                Driver.Function outside = function(driver, OUTSIDE, "outside");
                stream.launch(outside, new Driver.Grid(1, 1, 1, 1), words(address, 63));
                stream.synchronize();
                stream.launch(outside, new Driver.Grid(1, 1, 1, 1), words(address, offset));
                DeviceException failure = catchThrowableOfType(DeviceException.class, stream::synchronize);
                assertThat(failure.kind()).isEqualTo(DeviceException.Kind.LOST);
                assertThat(failure).hasMessageContaining("wrote outside the 64 bytes");
            }
        }
    }

    @Test
    void hasAsMuchMemoryAsItIsGiven() throws Exception {
        try (Driver driver = driver("memory=64k")) {
            long first = driver.allocate(40_000);
            DeviceException failure = catchThrowableOfType(DeviceException.class, () -> driver.allocate(40_000));
            assertThat(failure.kind()).isEqualTo(DeviceException.Kind.OUT_OF_MEMORY);
            assertThat(failure).hasMessage("the emulated GPU has 25536 of 65536 bytes left, not 40000");
            driver.free(first);
            driver.free(driver.allocate(65_536));
            assertThat(driver.freeBytes()).isEqualTo(65_536);
        }
    }

    @Test
    void doesNothingBeforeItIsWaitedFor() throws Exception {
        try (Driver driver = driver("1");
                Driver.Stream stream = driver.stream();
                Arena arena = Arena.ofConfined()) {
            long address = driver.allocate(8);
            MemorySegment host = arena.allocate(8);
            host.set(ValueLayout.JAVA_LONG, 0, 5);
            stream.zero(address, 8);
            stream.download(address, host.address(), 8);
            assertThat(host.get(ValueLayout.JAVA_LONG, 0)).isEqualTo(5);
            stream.synchronize();
            assertThat(host.get(ValueLayout.JAVA_LONG, 0)).isZero();
        }
    }

    @Test
    void refusesCopiesBeyondABuffer() throws Exception {
        try (Driver driver = driver("1");
                Driver.Stream stream = driver.stream()) {
            long address = driver.allocate(8);
            assertThatThrownBy(() -> stream.zero(address, 9)).hasMessageContaining("are not all device memory");
            assertThatThrownBy(() -> driver.load(new byte[] {1, 2, 3})).hasMessageContaining("cannot be loaded");
        }
    }

    @Test
    void failsWhereItIsTold() throws Exception {
        try (Driver driver = driver("fail-launch=2");
                Driver.Stream stream = driver.stream()) {
            long address = driver.allocate(64);
            Driver.Function outside = function(driver, OUTSIDE, "outside");
            stream.launch(outside, new Driver.Grid(1, 1, 1, 1), words(address, 0));
            stream.synchronize();
            stream.launch(outside, new Driver.Grid(1, 1, 1, 1), words(address, 0));
            assertThatThrownBy(stream::synchronize).hasMessageContaining("an illegal memory access");
        }
        try (Driver driver = driver("lose-at=3")) {
            driver.allocate(8);
            driver.allocate(8);
            assertThatThrownBy(() -> driver.allocate(8)).hasMessageContaining("was lost at call 3");
        }
        assertThatThrownBy(() -> driver("driver=old")).hasMessageContaining("CUDA 11.4");
        assertThatThrownBy(() -> driver("driver=none")).hasMessageContaining("no NVIDIA driver");
        assertThatThrownBy(() -> EmulationSettings.parse("memory=much")).hasMessageContaining("memory=SIZE");
    }

    @Test
    void saysWhatTheCompilerSays() {
        assertThatThrownBy(() -> new HostCompiler("g++").compile("this is no kernel", "emulated"))
                .hasMessageContaining("g++ refused a kernel")
                .hasMessageContaining("no kernel");
        assertThatThrownBy(() -> new HostCompiler("/nowhere/g++").compile("", "emulated"))
                .hasMessageContaining("needs the C++ compiler /nowhere/g++");
    }
}
