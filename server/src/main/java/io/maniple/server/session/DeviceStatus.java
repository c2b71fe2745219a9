package io.maniple.server.session;

/**
 * What the devices of a server hold, and have done since it started.
 *
 * @param name of the device that is open; empty if none is
 * @param usedBytes of its memory that arrays lie in
 * @param limitBytes most of its memory to use; 0 if none is open
 * @param launches of kernels
 * @param bytesToDevice copied from the host
 * @param bytesToHost copied back
 * @param evictions arrays moved to the host for want of device memory
 */
public record DeviceStatus(
        String name,
        long usedBytes,
        long limitBytes,
        long launches,
        long bytesToDevice,
        long bytesToHost,
        long evictions) {
    /** There is no device, and there was none. */
    public static final DeviceStatus NONE = new DeviceStatus("", 0, 0, 0, 0, 0, 0);

    static DeviceStatus of(Residents residents) {
        return new DeviceStatus(
                residents.device().properties().name(),
                residents.device().pool().used(),
                residents.device().pool().limit(),
                residents.device().launches(),
                residents.device().uploadedBytes(),
                residents.device().downloadedBytes(),
                residents.evictions());
    }

    /** What was done only: the device is gone. */
    DeviceStatus past() {
        return new DeviceStatus("", 0, 0, launches, bytesToDevice, bytesToHost, evictions);
    }

    DeviceStatus plus(DeviceStatus other) {
        return new DeviceStatus(
                name.isEmpty() ? other.name : name,
                usedBytes + other.usedBytes,
                limitBytes + other.limitBytes,
                launches + other.launches,
                bytesToDevice + other.bytesToDevice,
                bytesToHost + other.bytesToHost,
                evictions + other.evictions);
    }
}
