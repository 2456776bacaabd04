package railstage.engine;

import io.kestra.core.models.executions.LogEntry;
import io.kestra.core.repositories.LogDataStoreInterface;
import io.kestra.core.runners.FollowLogEvent;
import io.kestra.core.services.LogStreamingService;
import io.kestra.core.utils.IdUtils;
import io.micronaut.http.sse.Event;
import org.slf4j.event.Level;
import reactor.core.publisher.Flux;

import java.util.List;
import java.util.stream.Collectors;

/** Log lines of an execution: as JSON, as text, and as they come. */
final class LogsApi {
    private final LogDataStoreInterface logs;
    private final LogStreamingService stream;

    LogsApi(Engine engine, Front front) {
        logs = engine.bean(LogDataStoreInterface.class);
        stream = engine.bean(LogStreamingService.class);
        front.route("GET", Front.BASE + "/logs/{id}", call -> Answer.json(lines(call)));
        front.route("GET", Front.BASE + "/logs/{id}/download",
            call -> Answer.text(lines(call).stream().map(LogEntry::toPrettyString).collect(Collectors.joining("\n"))));
        front.route("GET", Front.BASE + "/logs/{id}/follow", this::follow);
    }

    private List<LogEntry> lines(Call call) {
        String id = call.at("id");
        Level level = call.query("minLevel").map(Level::valueOf).orElse(null);
        return call.query("taskRunId").map(run -> logs.findByExecutionIdAndTaskRunId(Engine.TENANT, id, run, level))
            .or(() -> call.query("taskId").map(task -> logs.findByExecutionIdAndTaskId(Engine.TENANT, id, task, level)))
            .orElseGet(() -> logs.findByExecutionId(Engine.TENANT, id, level));
    }

    /** What is there already, then each line as it comes; a line may come twice at the seam. Ends when the caller hangs up. */
    private Answer follow(Call call) {
        String id = call.at("id");
        String subscriber = IdUtils.create();
        return Answer.events(Flux.<Event<FollowLogEvent>>create(sink -> {
            stream.registerSubscriber(id, subscriber, sink, List.of());
            lines(call).forEach(line -> sink.next(Event.of(FollowLogEvent.from(line)).id("progress")));
        }).doFinally(signal -> stream.unregisterSubscriber(id, subscriber)));
    }
}
