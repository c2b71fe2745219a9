package io.maniple.daemon.flight;

import io.maniple.daemon.security.User;
import io.maniple.daemon.security.Users;
import org.apache.arrow.flight.CallHeaders;
import org.apache.arrow.flight.CallStatus;
import org.apache.arrow.flight.auth2.CallHeaderAuthenticator;

/** Lets in who has a token: every call has to carry one, whatever it calls. */
final class TokenAuthenticator implements CallHeaderAuthenticator {
    private static final String HEADER = "authorization";

    private final Users users;

    TokenAuthenticator(Users users) {
        this.users = users;
    }

    @Override
    public AuthResult authenticate(CallHeaders headers) {
        String value = headers.get(HEADER);
        String name = users.ofHeader(value)
                .map(User::name)
                .orElseThrow(() -> CallStatus.UNAUTHENTICATED
                        .withDescription(
                                value == null
                                        ? "a token is needed: set MANIPLE_TOKEN or MANIPLE_TOKEN_FILE"
                                        : "the token is not valid here")
                        .toRuntimeException());
        return () -> name;
    }
}
