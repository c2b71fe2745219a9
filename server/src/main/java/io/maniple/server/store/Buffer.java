package io.maniple.server.store;

import io.maniple.bridge.memory.SharedRegion;
import io.maniple.server.failure.ManipleException;
import org.jspecify.annotations.Nullable;

/** The memory behind views. It has no memory until it is first written. */
public final class Buffer {
    private final long bytes;
    private PrivateMemory.@Nullable Block block;
    private @Nullable SharedRegion region;
    private @Nullable ManipleException failure;
    private String content = "";
    private String source = "";
    private volatile @Nullable DeviceHome device;

    public Buffer(long bytes) {
        this.bytes = bytes;
    }

    public long bytes() {
        return bytes;
    }

    public boolean hasMemory() {
        return block != null || region != null;
    }

    /** The address of the first byte; 0 while there is no memory. */
    public long address() {
        if (region != null) {
            return region.memory().address();
        }
        return block == null ? 0 : block.address();
    }

    public PrivateMemory.@Nullable Block block() {
        return block;
    }

    public @Nullable SharedRegion region() {
        return region;
    }

    public void home(PrivateMemory.Block memory) {
        block = memory;
        region = null;
    }

    public void home(SharedRegion memory) {
        region = memory;
        block = null;
    }

    public void homeless() {
        region = null;
        block = null;
    }

    /** @param what type and shape, for people */
    public void describe(String what, String line) {
        content = what;
        source = line;
    }

    /** Type and shape of what was written here last; may be empty. */
    public String content() {
        return content;
    }

    /** The user's line that did so; may be empty. */
    public String source() {
        return source;
    }

    /** What a device has of it; null while that is nothing. */
    public @Nullable DeviceHome device() {
        return device;
    }

    public void device(@Nullable DeviceHome home) {
        device = home;
    }

    /** Whether only the device has the current content. */
    public boolean isHostStale() {
        DeviceHome home = device;
        return home != null && home.isHostStale();
    }

    /** Why the contents are not what the program asked for; whoever reads them gets this. */
    public @Nullable ManipleException failure() {
        return failure;
    }

    public void fail(ManipleException cause) {
        if (failure == null) {
            failure = cause;
        }
    }
}
