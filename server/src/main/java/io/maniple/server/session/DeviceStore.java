package io.maniple.server.session;

import io.maniple.bridge.proto.Status;
import io.maniple.cuda.Device;
import io.maniple.cuda.DevicePool;
import io.maniple.cuda.driver.DeviceException;
import io.maniple.server.failure.ManipleException;
import io.maniple.server.store.Buffer;
import io.maniple.server.store.DeviceHome;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The copies that a device has of one session's buffers; a copy is made only when the other side's is not current. */
final class DeviceStore {
    private static final Logger LOGGER = LoggerFactory.getLogger(DeviceStore.class);

    private final Residents residents;
    private final Device device;
    private final SessionMemory memory;
    private final long session;
    private long uploadedBytes;
    private long downloadedBytes;
    private long evictions;

    DeviceStore(Residents residents, SessionMemory memory, long session) {
        this.residents = residents;
        this.device = residents.device();
        this.memory = memory;
        this.session = session;
    }

    Device device() {
        return device;
    }

    private ReentrantLock lock() {
        return device.lock();
    }

    /** Bytes copied to the device so far. */
    long uploadedBytes() {
        return uploadedBytes;
    }

    /** Bytes copied from the device so far. */
    long downloadedBytes() {
        return downloadedBytes;
    }

    /** Buffers moved away for want of device memory so far. */
    long evictions() {
        return evictions;
    }

    /**
     * Gives a buffer memory on the device, and its content where that matters.
     *
     * @param kept buffers that must stay on the device for it
     * @throws DeviceException OUT_OF_MEMORY if all but those kept have left and it still does not fit
     */
    void bring(Buffer buffer, boolean content, Set<Buffer> kept) throws DeviceException {
        DeviceHome home = buffer.device();
        if (home == null) {
            home = new DeviceHome();
            buffer.device(home);
        }
        DevicePool.Block block = home.block();
        if (block == null) {
            block = allocate(Math.max(1, buffer.bytes()), kept);
            home.block(block);
        }
        residents.use(buffer, this);
        if (content && !home.isDeviceCurrent() && buffer.hasMemory()) {
            device.upload(buffer.address(), block.address(), buffer.bytes());
            uploadedBytes += buffer.bytes();
            home.copied();
        }
    }

    /** Device memory, for which others have to leave where there is no more. */
    DevicePool.Block allocate(long bytes, Set<Buffer> kept) throws DeviceException {
        while (true) {
            try {
                return device.pool().allocate(bytes, session);
            } catch (DeviceException e) {
                if (e.kind() != DeviceException.Kind.OUT_OF_MEMORY || !residents.evict(kept)) {
                    throw e;
                }
                evictions++;
            }
        }
    }

    void release(DevicePool.Block block) {
        device.pool().release(block);
    }

    /** Makes a buffer current at the host. */
    void toHost(Buffer buffer) {
        lock().lock();
        try {
            DeviceHome home = buffer.device();
            if (home == null || !home.isHostStale()) {
                return;
            }
            memory.provide(buffer);
            copyOut(buffer, home, buffer.address());
        } finally {
            lock().unlock();
        }
    }

    /** Makes a buffer current at the host where its memory will be. */
    void toHost(Buffer buffer, long address) {
        lock().lock();
        try {
            DeviceHome home = buffer.device();
            if (home != null && home.isHostStale()) {
                copyOut(buffer, home, address);
            }
        } finally {
            lock().unlock();
        }
    }

    private void copyOut(Buffer buffer, DeviceHome home, long address) {
        DevicePool.Block block = home.block();
        if (block == null) {
            throw new IllegalStateException("a buffer is current nowhere");
        }
        try {
            device.download(block.address(), address, buffer.bytes());
            downloadedBytes += buffer.bytes();
            home.copied();
        } catch (DeviceException failure) {
            lost(failure);
            ManipleException told = buffer.failure();
            throw told == null ? failure(failure) : told;
        }
    }

    /** Copies some bytes of a buffer whose current content only the device has. */
    void read(Buffer buffer, long offset, long bytes, long address) {
        lock().lock();
        try {
            DeviceHome home = buffer.device();
            DevicePool.Block block = home == null ? null : home.block();
            if (block == null) {
                throw new IllegalStateException("a buffer is current nowhere");
            }
            device.download(block.address() + offset, address, bytes);
            downloadedBytes += bytes;
        } catch (DeviceException failure) {
            lost(failure);
            ManipleException told = buffer.failure();
            throw told == null ? failure(failure) : told;
        } finally {
            lock().unlock();
        }
    }

    /** A buffer's content was changed at the host: the device's copy is no longer current. */
    void writtenOnHost(Buffer buffer) {
        DeviceHome home = buffer.device();
        if (home != null) {
            lock().lock();
            try {
                home.writtenOnHost();
            } finally {
                lock().unlock();
            }
        }
    }

    /** Moves a buffer to the host and gives its device memory back. */
    void leave(Buffer buffer) {
        toHost(buffer);
        drop(buffer);
    }

    /** Gives a buffer's device memory back, whatever is in it. */
    void drop(Buffer buffer) {
        lock().lock();
        try {
            DeviceHome home = buffer.device();
            if (home != null) {
                DevicePool.Block block = home.block();
                if (block != null) {
                    device.pool().release(block);
                }
                residents.forget(buffer);
                buffer.device(null);
            }
        } finally {
            lock().unlock();
        }
    }

    /** The device has failed: what only it had is lost, and whoever looks at it is told so. */
    void lost(DeviceException failure) {
        device.note(failure);
        if (failure.kind() != DeviceException.Kind.LOST) {
            return;
        }
        LOGGER.warn("the GPU failed, the processor goes on: {}", failure.text());
        for (Buffer buffer : residents.of(this)) {
            if (buffer.isHostStale()) {
                buffer.fail(failure(failure));
            }
            residents.forget(buffer);
            buffer.device(null);
        }
    }

    static ManipleException failure(DeviceException failure) {
        return new ManipleException(
                Status.DEVICE_LOST,
                "the GPU failed and what only its memory held is lost: " + failure.text()
                        + " (run it again; MANIPLE_DEVICE=cpu does without the GPU)",
                "",
                failure);
    }
}
