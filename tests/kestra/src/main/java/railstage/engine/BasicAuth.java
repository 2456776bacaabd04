package railstage.engine;

import com.sun.net.httpserver.HttpExchange;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Base64;

/** Basic authentication as Kestra's open source edition has it: asked everywhere but on webhooks and the health page. */
final class BasicAuth {
    private final byte[] wanted;

    /** {@code credentials} is {@code user:password}; null asks for nothing. */
    BasicAuth(String credentials) {
        wanted = credentials == null ? null
            : ("Basic " + Base64.getEncoder().encodeToString(credentials.getBytes(StandardCharsets.UTF_8))).getBytes(StandardCharsets.UTF_8);
    }

    boolean refuses(HttpExchange exchange) {
        String path = exchange.getRequestURI().getPath();
        if (wanted == null || path.equals("/health") || path.startsWith(Front.BASE + "/executions/webhook/")) return false;
        String given = exchange.getRequestHeaders().getFirst("Authorization");
        return given == null || !MessageDigest.isEqual(wanted, given.getBytes(StandardCharsets.UTF_8));
    }

    Answer refusal(HttpExchange exchange) {
        exchange.getResponseHeaders().set("WWW-Authenticate", "Basic");
        return Answer.problem(401, "credentials are missing or wrong", exchange.getRequestURI().getPath());
    }
}
