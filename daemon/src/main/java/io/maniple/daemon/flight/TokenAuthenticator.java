package io.maniple.daemon.flight;

import io.maniple.daemon.security.User;
import io.maniple.daemon.security.Users;
import org.apache.arrow.flight.CallHeaders;
import org.apache.arrow.flight.CallStatus;
import org.apache.arrow.flight.auth2.CallHeaderAuthenticator;

/** Lets in who has a token: every call has to carry one, whatever it calls. */
final class TokenAuthenticator implements CallHeaderAuthenticator {
    private static final String HEADER = "authorization";
    private static final String SCHEME = "Bearer ";

    private final Users users;

    TokenAuthenticator(Users users) {
        this.users = users;
    }

    @Override
    public AuthResult authenticate(CallHeaders headers) {
        String value = headers.get(HEADER);
        if (value == null || !value.regionMatches(true, 0, SCHEME, 0, SCHEME.length())) {
            throw CallStatus.UNAUTHENTICATED
                    .withDescription("a token is needed: set MANIPLE_TOKEN or MANIPLE_TOKEN_FILE")
                    .toRuntimeException();
        }
        String name = users.find(value.substring(SCHEME.length()).strip())
                .map(User::name)
                .orElseThrow(() -> CallStatus.UNAUTHENTICATED
                        .withDescription("the token is not valid here")
                        .toRuntimeException());
        return () -> name;
    }
}
