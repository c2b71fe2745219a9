package io.maniple.server.session;

import io.maniple.cuda.Device;
import io.maniple.cuda.driver.DeviceException;
import io.maniple.server.failure.ManipleException;
import io.maniple.server.store.Buffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The buffers of all sessions that have memory of a device, the one that was used longest ago first. Guarded by the
 * device's lock.
 */
final class Residents {
    private final Device device;
    private final AtomicLong evictions = new AtomicLong();
    private final Map<Buffer, DeviceStore> owners = new LinkedHashMap<>(64, 0.75f, true);

    Residents(Device device) {
        this.device = device;
    }

    Device device() {
        return device;
    }

    void use(Buffer buffer, DeviceStore owner) {
        owners.put(buffer, owner);
    }

    void forget(Buffer buffer) {
        owners.remove(buffer);
    }

    /** Buffers moved to the host for want of device memory so far; any thread. */
    long evictions() {
        return evictions.get();
    }

    /** Those of one session. */
    List<Buffer> of(DeviceStore owner) {
        return owners.entrySet().stream()
                .filter(entry -> entry.getValue() == owner)
                .map(Map.Entry::getKey)
                .toList();
    }

    /**
     * Moves the buffer that was used longest ago to the host.
     *
     * @param kept buffers that have to stay
     * @return whether there was one
     */
    boolean evict(Set<Buffer> kept) throws DeviceException {
        for (Map.Entry<Buffer, DeviceStore> entry : List.copyOf(owners.entrySet())) {
            if (!kept.contains(entry.getKey())) {
                try {
                    entry.getValue().leave(entry.getKey());
                    evictions.incrementAndGet();
                    return true;
                } catch (ManipleException noHostMemory) {
                    // It stays on the device; perhaps another one can go.
                    continue;
                }
            }
        }
        return false;
    }
}
