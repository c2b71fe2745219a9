package io.maniple.daemon.flight;

import io.maniple.server.failure.ManipleException;
import org.apache.arrow.flight.CallStatus;
import org.apache.arrow.flight.FlightRuntimeException;

/** Failures as Flight tells them. */
final class Failures {
    private Failures() {}

    static FlightRuntimeException status(ManipleException failure) {
        CallStatus status = switch (failure.status()) {
            case UNKNOWN_SESSION, UNKNOWN_BUFFER -> CallStatus.NOT_FOUND;
            case OUT_OF_MEMORY, LIMIT_EXCEEDED -> CallStatus.RESOURCE_EXHAUSTED;
            case CANCELLED -> CallStatus.CANCELLED;
            case SHUTTING_DOWN -> CallStatus.UNAVAILABLE;
            case INTERNAL -> CallStatus.INTERNAL;
            default -> CallStatus.INVALID_ARGUMENT;
        };
        return status.withDescription(failure.getMessage()).toRuntimeException();
    }
}
