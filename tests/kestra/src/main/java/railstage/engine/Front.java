package railstage.engine;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.kestra.core.serializers.JacksonMapper;
import io.micronaut.http.sse.Event;
import reactor.core.publisher.Flux;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;

/**
 * The HTTP front: routes, authentication, JSON, server-sent events. Paths, verbs and shapes follow Kestra's API as its
 * official SDK knows it, and only as far as callers of our flows use it; its HTTP details prove nothing about Kestra's.
 */
final class Front {
    static final String BASE = "/api/v1/" + Engine.TENANT;
    private static final ObjectMapper JSON = JacksonMapper.ofJson();

    interface Handler {
        Answer answer(Call call) throws Exception;
    }

    private record Route(String method, String[] segments, Handler handler) {
        /** The path's named values, when the path is this route's. */
        Optional<Map<String, String>> match(String[] path) {
            if (path.length != segments.length) return Optional.empty();
            Map<String, String> named = new HashMap<>();
            for (int i = 0; i < path.length; i++) {
                if (segments[i].startsWith("{")) named.put(segments[i].substring(1, segments[i].length() - 1), Call.decode(path[i]));
                else if (!segments[i].equals(path[i])) return Optional.empty();
            }
            return Optional.of(named);
        }
    }

    private final HttpServer server;
    private final List<Route> routes = new ArrayList<>();
    private final BasicAuth auth;

    /** Takes the port (0: any free one) at once; requests are answered from {@link #start} on. */
    Front(int port, BasicAuth auth) throws IOException {
        System.setProperty("sun.net.httpserver.nodelay", "true");
        this.auth = auth;
        server = HttpServer.create(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), port), 0);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.createContext("/", this::exchange);
        route("GET", "/health", call -> Answer.json(Map.of("status", "UP")));
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    /** The first route that matches wins. */
    void route(String method, String path, Handler handler) {
        routes.add(new Route(method, path.split("/"), handler));
    }

    void start() {
        server.start();
    }

    void stop() {
        server.stop(0);
    }

    private void exchange(HttpExchange exchange) throws IOException {
        try (exchange) {
            Answer answer;
            try {
                answer = auth.refuses(exchange) ? auth.refusal(exchange) : answer(exchange);
            } catch (Throwable t) {
                answer = Problems.answer(t, exchange.getRequestURI().getPath());
            }
            send(exchange, answer);
        }
    }

    private Answer answer(HttpExchange exchange) throws Exception {
        String raw = exchange.getRequestURI().getRawPath();
        boolean known = false;
        for (Route route : routes) {
            Optional<Map<String, String>> named = route.match(raw.split("/", -1));
            if (named.isEmpty()) continue;
            known = true;
            if (route.method.equals(exchange.getRequestMethod())) return route.handler.answer(Call.of(exchange, named.get()));
        }
        return known ? Answer.problem(405, "no " + exchange.getRequestMethod() + " here", raw) : Answer.problem(404, "no such path", raw);
    }

    private static void send(HttpExchange exchange, Answer answer) throws IOException {
        exchange.getRequestBody().readAllBytes();
        if (answer.contentType() != null) exchange.getResponseHeaders().set("Content-Type", answer.contentType());
        if (answer.body() instanceof Flux<?> events) {
            exchange.sendResponseHeaders(answer.status(), 0);
            stream(exchange.getResponseBody(), events);
            return;
        }
        byte[] body = switch (answer.body()) {
            case null -> new byte[0];
            case String text -> text.getBytes(StandardCharsets.UTF_8);
            case Object value -> JSON.writeValueAsBytes(value);
        };
        exchange.sendResponseHeaders(answer.status(), body.length == 0 ? -1 : body.length);
        if (body.length > 0) exchange.getResponseBody().write(body);
    }

    /** Ends with the events, or when the caller hangs up; closing the stream unsubscribes either way. */
    private static void stream(OutputStream out, Flux<?> events) throws IOException {
        out.flush();
        try (var following = events.toStream(1)) {
            for (var each = following.iterator(); each.hasNext(); ) {
                Event<?> event = (Event<?>) each.next();
                String frame = (event.getId() == null ? "" : "id: " + event.getId() + "\n") + "data: " + JSON.writeValueAsString(event.getData()) + "\n\n";
                out.write(frame.getBytes(StandardCharsets.UTF_8));
                out.flush();
            }
        }
    }
}
