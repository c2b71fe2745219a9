package io.maniple.cuda.nvidia;

import io.maniple.cuda.driver.DeviceException;
import io.maniple.cuda.driver.Driver;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Makes every call of the driver once and prints what came of it; run in a process of its own. */
final class DriverProbe {
    private DriverProbe() {}

    public static void main(String[] arguments) throws Exception {
        try {
            probe();
        } catch (DeviceException e) {
            System.out.println(e.kind() + ": " + e.text());
        }
    }

    private static void probe() throws Exception {
        try (Driver driver = NvidiaDriver.open(List.of());
                Driver.Stream stream = driver.stream();
                Driver.Event before = driver.event();
                Driver.Event after = driver.event();
                Arena arena = Arena.ofConfined()) {
            System.out.println(driver.properties());
            long free = driver.freeBytes();
            long source = driver.allocate(4_096);
            long target = driver.allocate(4_096);
            System.out.println("taken " + (free - driver.freeBytes()));
            MemorySegment host = arena.allocate(4_096);
            for (int index = 0; index < 512; index++) {
                host.setAtIndex(ValueLayout.JAVA_LONG, index, index * 1_000_003L);
            }
            before.record(stream);
            stream.upload(host.address() + 8, source, 4_088);
            stream.zero(target, 4_096);
            Driver.Module module = driver.load("fake".getBytes(StandardCharsets.US_ASCII));
            byte[] argument = ByteBuffer.allocate(24)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(source + 16)
                    .putLong(target)
                    .putLong(80)
                    .array();
            stream.launch(module.function("copy"), new Driver.Grid(3, 2, 64, 4), argument);
            stream.copy(target, target + 1_000, 8);
            after.record(stream);
            stream.await(after);
            MemorySegment back = arena.allocate(4_096);
            stream.download(target, back.address(), 4_096);
            stream.synchronize();
            after.synchronize();
            System.out.println("copied " + back.getAtIndex(ValueLayout.JAVA_LONG, 2) + " "
                    + back.get(ValueLayout.JAVA_LONG, 1_000) + " " + back.get(ValueLayout.JAVA_LONG, 80) + " "
                    + before.secondsTo(after));
            Thread other = Thread.ofPlatform().name("other").start(() -> {
                try {
                    stream.zero(target, 8);
                    System.out.println("from another thread");
                } catch (DeviceException e) {
                    System.out.println(e.text());
                }
            });
            other.join();
            attempt(() -> driver.allocate(1L << 30));
            attempt(() -> driver.load("wrong".getBytes(StandardCharsets.US_ASCII)));
            attempt(() -> module.function("missing"));
            attempt(() -> stream.launch(module.function("fault"), new Driver.Grid(1, 1, 1, 1), argument));
            module.close();
            driver.free(source);
            driver.free(target);
            System.out.println("left " + (free - driver.freeBytes()));
        }
    }

    /** A call that fails. */
    private interface Call {
        void run() throws DeviceException;
    }

    private static void attempt(Call call) {
        try {
            call.run();
            System.out.println("no failure");
        } catch (DeviceException e) {
            System.out.println(e.kind() + ": " + e.text());
        }
    }
}
