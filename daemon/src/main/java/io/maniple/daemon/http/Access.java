package io.maniple.daemon.http;

import io.javalin.http.Context;
import io.javalin.http.ForbiddenResponse;
import io.javalin.http.HandlerType;
import io.javalin.http.HttpStatus;
import io.javalin.http.UnauthorizedResponse;
import io.maniple.daemon.security.User;
import io.maniple.daemon.security.Users;
import io.maniple.daemon.watch.Observatory;
import java.net.URI;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who may see what: tools send the token with each request ({@code Authorization: Bearer …}), browsers a cookie that they
 * got for it. A token is read from a form's body or a header, never from an address, and never logged.
 */
final class Access {
    private static final Logger LOGGER = LoggerFactory.getLogger(Access.class);
    private static final Set<String> OPEN = Set.of("/health", "/ready", Pages.LOGIN);
    private static final int MOST_TOKEN_CHARACTERS = 1_000;

    private final Users users;
    private final Logins logins;
    private final Observatory observatory;
    private final boolean secure;

    /** @param secure whether all of it goes over TLS */
    Access(Users users, Observatory observatory, boolean secure) {
        this.users = users;
        this.logins = new Logins(users);
        this.observatory = observatory;
        this.secure = secure;
    }

    /** A browser takes a cookie with this beginning only over TLS, and for no other host or path. */
    private String cookie() {
        return secure ? "__Host-maniple" : "maniple";
    }

    /** @throws UnauthorizedResponse where there is nobody */
    User user(Context context) {
        return find(context).orElseThrow(() -> new UnauthorizedResponse("a token is needed"));
    }

    private Optional<User> find(Context context) {
        String header = context.header("Authorization");
        if (header != null) {
            return users.ofHeader(header);
        }
        String name = context.cookie(cookie());
        return name == null ? Optional.empty() : logins.user(name);
    }

    /** Before every route: lets nobody in without a token, and no other site's page act for anybody. */
    void check(Context context) {
        boolean changes =
                !context.method().equals(HandlerType.GET) && !context.method().equals(HandlerType.HEAD);
        if (changes && !comesFromHere(context)) {
            throw new ForbiddenResponse("this request comes from another site");
        }
        if (OPEN.contains(context.path()) || find(context).isPresent()) {
            return;
        }
        if (context.path().equals(Pages.DASHBOARD) && accepts(context, "text/html")) {
            context.redirect(Pages.LOGIN, HttpStatus.SEE_OTHER);
            context.skipRemainingHandlers();
            return;
        }
        context.header("WWW-Authenticate", "Bearer");
        throw new UnauthorizedResponse("a token is needed");
    }

    private static boolean accepts(Context context, String type) {
        String accepted = context.header("Accept");
        return accepted != null && accepted.contains(type);
    }

    /** Browsers say where a request comes from; tools say nothing, and have no cookie that others could use. */
    private static boolean comesFromHere(Context context) {
        String site = context.header("Sec-Fetch-Site");
        if (site != null) {
            return site.equals("same-origin");
        }
        String origin = context.header("Origin");
        if (origin == null) {
            return true;
        }
        try {
            return String.valueOf(URI.create(origin).getAuthority()).equals(context.header("Host"));
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    /** Takes the token from a form. */
    void login(Context context) {
        String given = context.formParam("token");
        String token = given == null ? "" : given.strip();
        Optional<String> name = token.length() > MOST_TOKEN_CHARACTERS ? Optional.empty() : logins.open(token);
        if (name.isEmpty()) {
            boolean tooMany = logins.tooManyRefused();
            if (!tooMany) {
                observatory.loginRefused(context.ip());
                LOGGER.atWarn()
                        .addKeyValue("event", "login.refused")
                        .log("A login with a wrong token from {}", context.ip());
            }
            context.status(tooMany ? HttpStatus.TOO_MANY_REQUESTS : HttpStatus.UNAUTHORIZED);
            Pages.login(
                    context,
                    tooMany ? "Too many wrong tokens: try again in a second." : "This token is not valid here.");
            return;
        }
        LOGGER.atInfo()
                .addKeyValue("event", "login")
                .addKeyValue("user", logins.user(name.get()).map(User::name).orElse(""))
                .log("A login from {}", context.ip());
        setCookie(context, name.get(), Logins.LIFE.toSeconds());
        context.redirect(Pages.DASHBOARD, HttpStatus.SEE_OTHER);
    }

    void logout(Context context) {
        String name = context.cookie(cookie());
        if (name != null) {
            logins.close(name);
        }
        setCookie(context, "", 0);
        context.redirect(Pages.LOGIN, HttpStatus.SEE_OTHER);
    }

    private void setCookie(Context context, String value, long seconds) {
        context.header(
                "Set-Cookie",
                cookie() + "=" + value + "; Path=/; Max-Age=" + seconds + "; HttpOnly; SameSite=Strict"
                        + (secure ? "; Secure" : ""));
    }
}
