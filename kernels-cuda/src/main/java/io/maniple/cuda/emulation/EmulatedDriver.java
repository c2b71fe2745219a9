package io.maniple.cuda.emulation;

import io.maniple.cuda.driver.DeviceException;
import io.maniple.cuda.driver.DeviceProperties;
import io.maniple.cuda.driver.Driver;
import io.maniple.cuda.driver.Product;
import io.maniple.cuda.driver.Transform;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * A device in this process: kernels compiled by {@link HostCompiler}, run by the thread that waits for them, so that
 * nothing is there before it is waited for. Every block of a launch comes in an order of its own.
 */
public final class EmulatedDriver implements Driver {
    private static final int BLOCK_THREADS = 64;
    private static final int MULTIPROCESSORS = 2;
    /** Copies queue only so much of the host's memory. */
    private static final int MOST_QUEUED = 4_096;

    private final EmulationSettings settings;
    private final GuardedMemory memory;
    private final Random random;
    private long calls;
    private long launches;
    private @Nullable DeviceException lost;

    /** @throws DeviceException UNAVAILABLE, as the settings say */
    public EmulatedDriver(EmulationSettings settings, long seed) throws DeviceException {
        if (!settings.unavailable().isEmpty()) {
            throw new DeviceException(DeviceException.Kind.UNAVAILABLE, settings.unavailable());
        }
        this.settings = settings;
        this.memory = new GuardedMemory(settings.memoryBytes());
        this.random = new Random(seed);
    }

    @Override
    public DeviceProperties properties() {
        return new DeviceProperties(
                "emulated GPU",
                "emulated",
                "0",
                MULTIPROCESSORS,
                BLOCK_THREADS,
                settings.memoryBytes(),
                settings.bytesPerSecond(),
                settings.bytesPerSecond(),
                true,
                true);
    }

    /** Counts a call, and loses the device where the settings say so. */
    private synchronized void call() throws DeviceException {
        calls++;
        if (lost == null && settings.loseAt() > 0 && calls >= settings.loseAt()) {
            lost = new DeviceException(DeviceException.Kind.LOST, "the emulated GPU was lost at call " + calls);
        }
        if (lost != null) {
            throw new DeviceException(DeviceException.Kind.LOST, lost.text(), lost);
        }
    }

    private synchronized DeviceException lose(DeviceException cause) {
        if (lost == null) {
            lost = cause;
        }
        return cause;
    }

    private synchronized boolean launchFails() {
        launches++;
        return launches == settings.failLaunch();
    }

    private synchronized long seed() {
        return random.nextLong() >>> 1;
    }

    @Override
    public long freeBytes() throws DeviceException {
        call();
        return memory.free();
    }

    @Override
    public long allocate(long bytes) throws DeviceException {
        call();
        return memory.allocate(bytes);
    }

    @Override
    public void free(long address) throws DeviceException {
        try {
            memory.release(address);
        } catch (DeviceException broken) {
            throw lose(broken);
        }
    }

    @Override
    public Stream stream() throws DeviceException {
        call();
        return new EmulatedStream();
    }

    @Override
    public Event event() throws DeviceException {
        call();
        return new EmulatedEvent();
    }

    @Override
    public Module load(byte[] code) throws DeviceException {
        call();
        return new EmulatedModule(code);
    }

    @Override
    public void close() {
        memory.close();
    }

    /** Queued work. */
    @FunctionalInterface
    private interface Work {
        void run() throws DeviceException;
    }

    private final class EmulatedStream implements Stream {
        private final Deque<Work> queue = new ArrayDeque<>();

        private synchronized void add(Work work) throws DeviceException {
            call();
            queue.add(work);
            if (queue.size() > MOST_QUEUED) {
                drain();
            }
        }

        @Override
        public synchronized void upload(long host, long device, long bytes) throws DeviceException {
            call();
            memory.checkRange(device, bytes);
            // When it returns the host's memory may change: so what stands before it has to be done first.
            drain();
            GuardedMemory.copy(host, device, bytes);
        }

        @Override
        public void download(long device, long host, long bytes) throws DeviceException {
            memory.checkRange(device, bytes);
            add(() -> GuardedMemory.copy(device, host, bytes));
        }

        @Override
        public void copy(long from, long to, long bytes) throws DeviceException {
            memory.checkRange(from, bytes);
            memory.checkRange(to, bytes);
            add(() -> GuardedMemory.copy(from, to, bytes));
        }

        @Override
        public void zero(long device, long bytes) throws DeviceException {
            memory.checkRange(device, bytes);
            add(() -> GuardedMemory.zero(device, bytes));
        }

        @Override
        public void launch(Function function, Grid grid, byte[] argument) throws DeviceException {
            EmulatedFunction kernel = (EmulatedFunction) function;
            byte[] copy = argument.clone();
            boolean fails = launchFails();
            add(() -> kernel.run(grid, copy, fails));
        }

        @Override
        public boolean multiply(Product product) throws DeviceException {
            EmulatedProduct emulated = new EmulatedProduct(product);
            emulated.check(memory);
            add(emulated::run);
            return true;
        }

        @Override
        public boolean transform(Transform transform) throws DeviceException {
            EmulatedTransform emulated = new EmulatedTransform(transform);
            emulated.check(memory);
            if (!emulated.suits()) {
                return false;
            }
            add(emulated::run);
            return true;
        }

        @Override
        public synchronized void await(Event event) throws DeviceException {
            add(event::synchronize);
        }

        private void drain() throws DeviceException {
            boolean ran = !queue.isEmpty();
            while (!queue.isEmpty()) {
                queue.remove().run();
            }
            if (ran) {
                try {
                    memory.checkGuards();
                } catch (DeviceException broken) {
                    throw lose(broken);
                }
            }
        }

        @Override
        public synchronized void synchronize() throws DeviceException {
            call();
            drain();
        }

        @Override
        public void close() {
            queue.clear();
        }
    }

    private static final class EmulatedEvent implements Event {
        private @Nullable EmulatedStream stream;
        private long nanoseconds;

        @Override
        public void record(Stream queue) throws DeviceException {
            EmulatedStream own = (EmulatedStream) queue;
            stream = own;
            own.add(() -> nanoseconds = System.nanoTime());
        }

        @Override
        public void synchronize() throws DeviceException {
            if (stream != null) {
                stream.synchronize();
            }
        }

        @Override
        public double secondsTo(Event later) {
            return 1e-9 * (((EmulatedEvent) later).nanoseconds - nanoseconds);
        }

        @Override
        public void close() {
            stream = null;
        }
    }

    /** A shared library, loaded for as long as the module is open. */
    private final class EmulatedModule implements Module {
        private final Arena arena = Arena.ofShared();
        private final SymbolLookup symbols;

        EmulatedModule(byte[] code) throws DeviceException {
            Path file = null;
            try {
                file = Files.createTempFile("maniple-emulation", ".so");
                Files.write(file, code);
                symbols = SymbolLookup.libraryLookup(file, arena);
            } catch (IOException | IllegalArgumentException e) {
                arena.close();
                throw new DeviceException(
                        DeviceException.Kind.REFUSED, "the code cannot be loaded: " + e.getMessage(), e);
            } finally {
                if (file != null) {
                    file.toFile().delete();
                }
            }
        }

        @Override
        public Function function(String name) throws DeviceException {
            MemorySegment entry = symbols.find(name + "_run")
                    .orElseThrow(() -> new DeviceException(DeviceException.Kind.REFUSED, "no kernel " + name));
            MethodHandle handle = Linker.nativeLinker()
                    .downcallHandle(
                            entry,
                            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS));
            return new EmulatedFunction(name, handle);
        }

        @Override
        public void close() {
            arena.close();
        }
    }

    private final class EmulatedFunction implements Function {
        private final String name;
        private final MethodHandle handle;

        EmulatedFunction(String name, MethodHandle handle) {
            this.name = name;
            this.handle = handle;
        }

        void run(Grid grid, byte[] argument, boolean fails) throws DeviceException {
            if (fails) {
                throw lose(new DeviceException(
                        DeviceException.Kind.LOST, "the kernel " + name + " failed: an illegal memory access"));
            }
            int status;
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment box = arena.allocate(Math.max(8, argument.length), 16);
                MemorySegment.copy(argument, 0, box, ValueLayout.JAVA_BYTE, 0, argument.length);
                MemorySegment sizes = arena.allocate(24, 8);
                sizes.set(ValueLayout.JAVA_INT, 0, grid.blocksX());
                sizes.set(ValueLayout.JAVA_INT, 4, grid.blocksY());
                sizes.set(ValueLayout.JAVA_INT, 8, grid.threadsX());
                sizes.set(ValueLayout.JAVA_INT, 12, grid.threadsY());
                sizes.set(ValueLayout.JAVA_LONG, 16, seed());
                status = (int) handle.invokeExact(box, sizes);
            } catch (Throwable impossible) {
                throw new IllegalStateException("kernel " + name, impossible);
            }
            if (status != 0) {
                throw lose(new DeviceException(
                        DeviceException.Kind.LOST,
                        "the kernel " + name + " failed: "
                                + (status == 1
                                        ? "some threads of a block waited at a barrier that others never reached"
                                        : "too many threads a block")));
            }
        }
    }
}
