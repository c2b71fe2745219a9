package io.maniple.cuda;

import io.maniple.cuda.driver.DeviceException;
import io.maniple.cuda.driver.Driver;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The kernels of one device: compiled where they are not on disk, many in one go, and loaded. May be called by several
 * threads.
 */
public final class KernelLibrary implements AutoCloseable {
    private static final Logger LOGGER = LoggerFactory.getLogger(KernelLibrary.class);
    /** More in one compilation would keep the first of them waiting. */
    private static final int MOST_TOGETHER = 48;

    private final Driver driver;
    private final DeviceCompiler compiler;
    private final CodeCache cache;
    private final String architecture;
    private final Map<String, Driver.Function> functions = new ConcurrentHashMap<>();
    private final Set<String> pending = ConcurrentHashMap.newKeySet();
    private final List<Driver.Module> modules = new ArrayList<>();
    private final ExecutorService background = Executors.newSingleThreadExecutor(
            work -> Thread.ofPlatform().daemon().name("maniple-gpu-compiler").unstarted(work));
    private long compiled;
    private long found;

    public KernelLibrary(Driver driver, DeviceCompiler compiler, CodeCache cache) {
        this.driver = driver;
        this.compiler = compiler;
        this.cache = cache;
        this.architecture = driver.properties().architecture();
    }

    /** Kernels compiled so far, not counting those found on disk. */
    public synchronized long compiledCount() {
        return compiled;
    }

    /** Kernels found on disk so far. */
    public synchronized long foundCount() {
        return found;
    }

    /** Whether all of them can be launched at once. */
    public boolean isReady(Collection<KernelText> kernels) {
        return kernels.stream().allMatch(kernel -> functions.containsKey(kernel.name()));
    }

    /** Begins to make them ready, in the background. */
    public void prepare(Collection<KernelText> kernels) {
        List<KernelText> missing = kernels.stream()
                .filter(kernel -> !functions.containsKey(kernel.name()) && pending.add(kernel.name()))
                .toList();
        if (missing.isEmpty()) {
            return;
        }
        try {
            background.execute(() -> {
                try {
                    require(missing);
                } catch (DeviceException e) {
                    LOGGER.warn("kernels are not compiled in the background: {}", e.text());
                } finally {
                    missing.forEach(kernel -> pending.remove(kernel.name()));
                }
            });
        } catch (RejectedExecutionException closed) {
            missing.forEach(kernel -> pending.remove(kernel.name()));
        }
    }

    /** Makes all of them ready. */
    public void require(Collection<KernelText> kernels) throws DeviceException {
        if (isReady(kernels)) {
            return;
        }
        requireAlone(kernels);
    }

    private synchronized void requireAlone(Collection<KernelText> kernels) throws DeviceException {
        Map<String, KernelText> missing = new LinkedHashMap<>();
        for (KernelText kernel : kernels) {
            if (!functions.containsKey(kernel.name())) {
                missing.put(kernel.name(), kernel);
            }
        }
        String version = compiler.version();
        Map<String, String> keys = new HashMap<>();
        for (String name : List.copyOf(missing.keySet())) {
            String key = CodeCache.key(name, architecture, version, CudaSource.PRELUDE);
            keys.put(name, key);
            if (missing.containsKey(name)) {
                Optional<byte[]> code = cache.find(key);
                if (code.isPresent() && load(code.get(), List.of(name))) {
                    found++;
                    missing.remove(name);
                }
            }
        }
        List<KernelText> left = new ArrayList<>(missing.values());
        for (int first = 0; first < left.size(); first += MOST_TOGETHER) {
            List<KernelText> together = left.subList(first, Math.min(left.size(), first + MOST_TOGETHER));
            StringBuilder source = new StringBuilder(CudaSource.PRELUDE);
            together.forEach(kernel -> source.append(kernel.text()));
            byte[] code = compiler.compile(source.toString(), architecture);
            compiled += together.size();
            List<String> names = together.stream().map(KernelText::name).toList();
            if (!load(code, names)) {
                throw new DeviceException(DeviceException.Kind.REFUSED, "the driver refuses freshly compiled kernels");
            }
            cache.keep(names.stream().map(keys::get).toList(), code);
        }
    }

    /** @return whether the driver took the code, and all these kernels are in it */
    private boolean load(byte[] code, List<String> names) throws DeviceException {
        Driver.Module module;
        try {
            module = driver.load(code);
        } catch (DeviceException e) {
            if (e.kind() == DeviceException.Kind.REFUSED) {
                LOGGER.warn("the driver refuses compiled kernels: {}", e.text());
                return false;
            }
            throw e;
        }
        try {
            Map<String, Driver.Function> loaded = new HashMap<>();
            for (String name : names) {
                loaded.put(name, module.function(name));
            }
            functions.putAll(loaded);
            modules.add(module);
            return true;
        } catch (DeviceException e) {
            module.close();
            if (e.kind() == DeviceException.Kind.REFUSED) {
                LOGGER.warn("compiled kernels are not what they should be: {}", e.text());
                return false;
            }
            throw e;
        }
    }

    /** A kernel that was made ready. */
    public Driver.Function function(KernelText kernel) throws DeviceException {
        require(List.of(kernel));
        Driver.Function function = functions.get(kernel.name());
        if (function == null) {
            throw new IllegalStateException("kernel " + kernel.name() + " was not loaded");
        }
        return function;
    }

    @Override
    public synchronized void close() {
        background.shutdownNow();
        functions.clear();
        modules.forEach(Driver.Module::close);
        modules.clear();
    }
}
