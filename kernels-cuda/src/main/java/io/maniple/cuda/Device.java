package io.maniple.cuda;

import io.maniple.cuda.driver.DeviceException;
import io.maniple.cuda.driver.DeviceProperties;
import io.maniple.cuda.driver.Driver;
import io.maniple.cuda.driver.Product;
import io.maniple.cuda.driver.Transform;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A device that is ready for work: one stream, its kernels and its memory. Whoever queues work or changes what lies where
 * holds {@link #lock()}.
 */
public final class Device implements AutoCloseable {
    private final Driver driver;
    private final DeviceProperties properties;
    private final Driver.Stream stream;
    private final KernelLibrary library;
    private final DevicePool pool;
    private final ReentrantLock lock = new ReentrantLock();
    private final AtomicLong launches = new AtomicLong();
    private final AtomicLong uploaded = new AtomicLong();
    private final AtomicLong downloaded = new AtomicLong();
    private volatile @Nullable DeviceException lost;

    /** @param memoryBytes most bytes of device memory to use */
    public Device(Driver driver, DeviceCompiler compiler, CodeCache cache, long memoryBytes) throws DeviceException {
        this.driver = driver;
        this.properties = driver.properties();
        this.stream = driver.stream();
        this.library = new KernelLibrary(driver, compiler, cache);
        this.pool = new DevicePool(driver, stream, memoryBytes);
    }

    public DeviceProperties properties() {
        return properties;
    }

    public KernelLibrary library() {
        return library;
    }

    public DevicePool pool() {
        return pool;
    }

    public ReentrantLock lock() {
        return lock;
    }

    /** What the device failed with, if it takes no more work. */
    public Optional<DeviceException> lost() {
        return Optional.ofNullable(lost);
    }

    /** Remembers a failure that the device does not survive. */
    public void note(DeviceException failure) {
        if (failure.kind() == DeviceException.Kind.LOST && lost == null) {
            lost = failure;
        }
    }

    /** Kernels launched so far. */
    public long launches() {
        return launches.get();
    }

    /** Bytes copied from the host so far. */
    public long uploadedBytes() {
        return uploaded.get();
    }

    /** Bytes copied to the host so far. */
    public long downloadedBytes() {
        return downloaded.get();
    }

    public void launch(KernelText kernel, Driver.Grid grid, byte[] argument) throws DeviceException {
        stream.launch(library.function(kernel), grid, argument);
        launches.incrementAndGet();
    }

    /** When it returns, the host's memory may change. */
    public void upload(long host, long device, long bytes) throws DeviceException {
        stream.upload(host, device, bytes);
        uploaded.addAndGet(bytes);
    }

    /** Waits for everything that is queued, and then for the copy. */
    public void download(long device, long host, long bytes) throws DeviceException {
        stream.download(device, host, bytes);
        stream.synchronize();
        downloaded.addAndGet(bytes);
    }

    /** Queues products of matrices; false if the device cannot do them. */
    public boolean multiply(Product product) throws DeviceException {
        boolean queued = stream.multiply(product);
        if (queued) {
            launches.incrementAndGet();
        }
        return queued;
    }

    /** Queues Fourier transforms; false if the device cannot do them. */
    public boolean transform(Transform transform) throws DeviceException {
        boolean queued = stream.transform(transform);
        if (queued) {
            launches.incrementAndGet();
        }
        return queued;
    }

    public void zero(long device, long bytes) throws DeviceException {
        stream.zero(device, bytes);
    }

    public void synchronize() throws DeviceException {
        stream.synchronize();
    }

    @Override
    public void close() {
        lock.lock();
        try {
            library.close();
            pool.close();
            stream.close();
            driver.close();
        } finally {
            lock.unlock();
        }
    }
}
