package railstage.engine;

import io.micronaut.http.sse.Event;
import reactor.core.publisher.Flux;

/** What a handler answers. {@code body} is text, a {@link Flux} of server-sent events, null for none, or anything that becomes JSON. */
record Answer(int status, String contentType, Object body) {
    static final String JSON = "application/json";

    static Answer json(Object body) {
        return new Answer(200, JSON, body);
    }

    static Answer text(String body) {
        return new Answer(200, "text/plain; charset=utf-8", body);
    }

    static <T> Answer events(Flux<Event<T>> events) {
        return new Answer(200, "text/event-stream", events);
    }

    static Answer problem(int status, String detail, String instance) {
        return new Answer(status, "application/problem+json", Problems.body(status, detail, instance));
    }
}
