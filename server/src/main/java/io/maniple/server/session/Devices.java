package io.maniple.server.session;

import io.maniple.cuda.CodeCache;
import io.maniple.cuda.Device;
import io.maniple.cuda.driver.DeviceException;
import io.maniple.cuda.emulation.EmulatedDriver;
import io.maniple.cuda.emulation.EmulationSettings;
import io.maniple.cuda.emulation.HostCompiler;
import io.maniple.cuda.nvidia.NvidiaDriver;
import io.maniple.cuda.nvidia.Nvrtc;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The devices of this server, each opened when the first session asks for it. */
final class Devices {
    private static final Logger LOGGER = LoggerFactory.getLogger(Devices.class);
    /** The part of the device's free memory that is used at most. */
    private static final double SHARE = 0.9;

    private static final long SEED = 20_261_127;

    private final Map<String, FutureTask<Residents>> opened = new HashMap<>();
    /** What those have done that were lost. */
    private DeviceStatus past = DeviceStatus.NONE;

    /** Whether this machine may have a device at all; asks the file system, no driver. */
    static boolean mayExist() {
        return Files.exists(Path.of("/dev/nvidiactl")) || Files.exists(Path.of("/dev/dxg"));
    }

    /**
     * A device, once it is open.
     *
     * @param emulated settings of an emulated one; empty for the machine's
     * @param patiently whether to wait for it
     * @return empty if it is still being opened
     * @throws DeviceException why there is none
     */
    Optional<Residents> find(String emulated, boolean patiently) throws DeviceException {
        FutureTask<Residents> task;
        boolean fresh = false;
        synchronized (opened) {
            task = opened.get(emulated);
            Residents known = task == null ? null : ready(task);
            if (known != null && known.device().lost().isPresent()) {
                // A device that failed is opened anew for later sessions.
                past = past.plus(DeviceStatus.of(known).past());
                task = null;
            }
            if (task == null) {
                Callable<Residents> open = () -> emulated.isEmpty() ? openReal() : openEmulated(emulated);
                task = new FutureTask<>(open);
                opened.put(emulated, task);
                fresh = true;
            }
        }
        if (fresh) {
            if (patiently) {
                task.run();
            } else {
                Thread.ofPlatform().daemon().name("maniple-gpu-open").start(task);
            }
        }
        if (!patiently && !task.isDone()) {
            return Optional.empty();
        }
        try {
            return Optional.of(task.get());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof DeviceException cause) {
                throw cause;
            }
            LOGGER.warn("the GPU cannot be opened", e.getCause());
            throw new DeviceException(DeviceException.Kind.UNAVAILABLE, "the GPU cannot be opened: " + e.getCause(), e);
        }
    }

    /** What all devices hold, and have done since the server started. */
    DeviceStatus status() {
        synchronized (opened) {
            DeviceStatus all = past;
            for (FutureTask<Residents> task : opened.values()) {
                Residents known = ready(task);
                if (known != null) {
                    DeviceStatus one = DeviceStatus.of(known);
                    all = all.plus(known.device().lost().isPresent() ? one.past() : one);
                }
            }
            return all;
        }
    }

    /** A device that is open; null if it is being opened, or could not be. */
    private static @Nullable Residents ready(FutureTask<Residents> task) {
        return task.state() == Future.State.SUCCESS ? task.resultNow() : null;
    }

    private static Residents openEmulated(String text) throws DeviceException {
        EmulationSettings settings;
        try {
            settings = EmulationSettings.parse(text);
        } catch (IllegalArgumentException e) {
            throw new DeviceException(DeviceException.Kind.UNAVAILABLE, String.valueOf(e.getMessage()), e);
        }
        EmulatedDriver driver = new EmulatedDriver(settings, SEED);
        return new Residents(new Device(
                driver, new HostCompiler(settings.compiler()), new CodeCache(cacheFolder()), settings.memoryBytes()));
    }

    private static Residents openReal() throws DeviceException {
        NvidiaDriver driver = NvidiaDriver.open(libraryFolders());
        long bytes = (long) (driver.freeBytes() * SHARE);
        Device device = new Device(
                driver,
                new Nvrtc(libraryFolders()),
                new CodeCache(cacheFolder()),
                memoryLimit().orElse(bytes));
        LOGGER.info(
                "GPU: {}, {}, driver for CUDA {}",
                device.properties().name(),
                device.properties().architecture(),
                device.properties().driverVersion());
        return new Residents(device);
    }

    /** Where the client has said that CUDA's libraries may be: -Dmaniple.cuda=FOLDER:FOLDER. */
    private static List<Path> libraryFolders() {
        return Arrays.stream(System.getProperty("maniple.cuda", "").split(":"))
                .filter(folder -> !folder.isEmpty())
                .map(Path::of)
                .toList();
    }

    /** $MANIPLE_GPU_MEMORY. */
    private static Optional<Long> memoryLimit() throws DeviceException {
        String text = System.getenv("MANIPLE_GPU_MEMORY");
        if (text == null || text.isEmpty()) {
            return Optional.empty();
        }
        Optional<Long> bytes = ServerSettings.bytes(text);
        if (bytes.isEmpty()) {
            throw new DeviceException(
                    DeviceException.Kind.UNAVAILABLE,
                    "MANIPLE_GPU_MEMORY needs a size such as 512m or 8g, not '" + text + "'");
        }
        return bytes;
    }

    /** $MANIPLE_KERNEL_CACHE, or a folder of the user's cache; empty if it is "off". */
    static Optional<Path> cacheFolder() {
        String chosen = System.getenv("MANIPLE_KERNEL_CACHE");
        if (chosen != null && !chosen.isEmpty()) {
            return chosen.equals("off") ? Optional.empty() : Optional.of(Path.of(chosen));
        }
        String cache = System.getenv("XDG_CACHE_HOME");
        Path base =
                cache == null || cache.isEmpty() ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(cache);
        return Optional.of(base.resolve("maniple").resolve("kernels"));
    }
}
