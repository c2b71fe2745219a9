package io.maniple.daemon.http;

import io.javalin.http.Context;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The dashboard's files, and what browsers are told of them: they load nothing from elsewhere, run no script but ours,
 * and show the pages in no frame.
 */
final class Pages {
    static final String DASHBOARD = "/";
    static final String LOGIN = "/login";
    static final String SCRIPT = "/dashboard.js";
    static final String STYLE = "/dashboard.css";

    private static final String NO_FRAMES = "; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
    private static final String DASHBOARD_POLICY =
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src"
                    + " 'self'; img-src 'self' data:; require-trusted-types-for 'script'; trusted-types 'none'"
                    + NO_FRAMES;
    private static final String PROBLEM = "<!-- problem -->";

    private static final Map<String, String> FILES = new ConcurrentHashMap<>();

    private Pages() {}

    /** For every answer. */
    static void headers(Context context) {
        context.header("Content-Security-Policy", "default-src 'none'" + NO_FRAMES)
                .header("X-Content-Type-Options", "nosniff")
                .header("Referrer-Policy", "same-origin")
                .header("Cross-Origin-Opener-Policy", "same-origin")
                .header("Cross-Origin-Resource-Policy", "same-origin")
                .header("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
                .header("Cache-Control", "no-store");
    }

    static void dashboard(Context context) {
        context.header("Content-Security-Policy", DASHBOARD_POLICY)
                .contentType("text/html; charset=utf-8")
                .result(file("dashboard.html"));
    }

    static void script(Context context) {
        context.contentType("text/javascript; charset=utf-8").result(file("dashboard.js"));
    }

    static void style(Context context) {
        context.contentType("text/css; charset=utf-8").result(file("dashboard.css"));
    }

    /**
     * The one page that strangers see: without a script, its style inside, since no other file is given to them.
     *
     * @param problem why they see it again, or empty
     */
    static void login(Context context, String problem) {
        String page = file("login.html");
        String style = page.substring(page.indexOf("<style>") + "<style>".length(), page.indexOf("</style>"));
        context.header(
                        "Content-Security-Policy",
                        "default-src 'none'; style-src 'sha256-" + sha256(style) + "'" + NO_FRAMES)
                .contentType("text/html; charset=utf-8")
                .result(page.replace(PROBLEM, problem));
    }

    private static String sha256(String text) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return Base64.getEncoder().encodeToString(hash);
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private static String file(String name) {
        return FILES.computeIfAbsent(name, Pages::read);
    }

    private static String read(String name) {
        try (InputStream resource = Pages.class.getResourceAsStream("/io/maniple/daemon/http/" + name)) {
            if (resource == null) {
                throw new IllegalStateException("the jar lacks " + name);
            }
            return new String(resource.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
