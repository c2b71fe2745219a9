package io.maniple.server.session;

import io.maniple.cuda.driver.DeviceException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Where a session gets its device from: that may take a while, and may fail. */
final class DeviceSource {
    private static final Logger LOGGER = LoggerFactory.getLogger(DeviceSource.class);

    private final Devices devices;
    private final Mapper.Policy policy;
    private final String emulated;
    private boolean wanted;
    private String failure = "";
    private @Nullable String warning;

    private DeviceSource(Devices devices, Mapper.Policy policy, String emulated) {
        this.devices = devices;
        this.policy = policy;
        this.emulated = emulated;
        // On a machine that cannot have one, nothing is asked and nothing is loaded.
        this.wanted = switch (policy) {
            case CPU -> false;
            case GPU -> true;
            case AUTO -> !emulated.isEmpty() || Devices.mayExist();
        };
    }

    /**
     * @param choice "cpu", "gpu", "auto" or empty
     * @param emulated settings of an emulated device; empty for the machine's
     * @throws IllegalArgumentException if there is no such choice
     */
    static DeviceSource of(Devices devices, String choice, String emulated) {
        return new DeviceSource(devices, Mapper.Policy.of(choice), emulated);
    }

    /** Whether the session uses a device if there is one. */
    boolean isWanted() {
        return wanted;
    }

    /** The session's device; empty while it is being opened, and if there is none. */
    Optional<DeviceSession> find(SessionMemory memory) {
        if (!wanted) {
            return Optional.empty();
        }
        try {
            return devices.find(emulated, policy == Mapper.Policy.GPU || !emulated.isEmpty())
                    .map(residents -> new DeviceSession(memory.useDevice(residents), policy));
        } catch (DeviceException none) {
            wanted = false;
            failure = none.text();
            LOGGER.info("no GPU: {}", failure);
            // Who has not asked for one is not told that there is none.
            warning = policy == Mapper.Policy.GPU ? "the processor computes, there is no GPU: " + failure : null;
            return Optional.empty();
        }
    }

    /** Why there is none; empty if that is not known to be so. */
    String failure() {
        return failure;
    }

    /** What the client should be warned of, once. */
    Optional<String> takeWarning() {
        Optional<String> taken = Optional.ofNullable(warning);
        warning = null;
        return taken;
    }
}
