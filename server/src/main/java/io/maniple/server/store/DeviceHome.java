package io.maniple.server.store;

import io.maniple.cuda.DevicePool;
import org.jspecify.annotations.Nullable;

/**
 * Where the current content of a buffer is, if a device is used: at the host, on the device, or at both. Guarded by the
 * device's lock.
 */
public final class DeviceHome {
    private DevicePool.@Nullable Block block;
    private boolean deviceCurrent;
    private volatile boolean hostCurrent = true;

    /** The device's copy, current or not. */
    public DevicePool.@Nullable Block block() {
        return block;
    }

    public void block(DevicePool.@Nullable Block memory) {
        block = memory;
        deviceCurrent = false;
    }

    public boolean isDeviceCurrent() {
        return deviceCurrent;
    }

    /** Whether the host's copy must not be read. */
    public boolean isHostStale() {
        return !hostCurrent;
    }

    /** Both have the same content now. */
    public void copied() {
        deviceCurrent = block != null;
        hostCurrent = true;
    }

    public void writtenOnDevice() {
        deviceCurrent = true;
        hostCurrent = false;
    }

    public void writtenOnHost() {
        deviceCurrent = false;
        hostCurrent = true;
    }
}
