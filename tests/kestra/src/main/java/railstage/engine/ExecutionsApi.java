package railstage.engine;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kestra.core.exceptions.ConflictException;
import io.kestra.core.executor.command.Replay;
import io.kestra.core.executor.command.Restart;
import io.kestra.core.models.Label;
import io.kestra.core.models.QueryFilter;
import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.flows.Flow;
import io.kestra.core.models.flows.check.Check;
import io.kestra.core.runners.FlowInputOutput;
import io.kestra.core.serializers.JacksonMapper;
import io.kestra.core.services.ExecutionStreamingService;
import io.kestra.core.services.FlowService;
import io.kestra.core.services.WebhookService;
import io.kestra.core.utils.IdUtils;
import io.micronaut.data.model.Pageable;
import io.micronaut.http.sse.Event;
import reactor.core.publisher.Flux;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Starting, reading, following, killing and rerunning executions. */
final class ExecutionsApi {
    private static final Duration WAIT_DEADLINE = Duration.ofMinutes(30);

    private final Engine engine;
    private final String url;
    private final FlowInputOutput inputs;
    private final FlowService flows;
    private final WebhookService starter;
    private final ExecutionStreamingService stream;

    ExecutionsApi(Engine engine, Front front) {
        this.engine = engine;
        url = front.url();
        inputs = engine.bean(FlowInputOutput.class);
        flows = engine.bean(FlowService.class);
        starter = engine.bean(WebhookService.class);
        stream = engine.bean(ExecutionStreamingService.class);
        front.route("GET", Front.BASE + "/executions", this::search);
        front.route("GET", Front.BASE + "/executions/search", this::search);
        front.route("GET", Front.BASE + "/executions/{id}", call -> Answer.json(engine.execution(call.at("id"))));
        front.route("GET", Front.BASE + "/executions/{id}/follow", this::follow);
        front.route("DELETE", Front.BASE + "/executions/{id}/actions/kill", this::kill);
        front.route("POST", Front.BASE + "/executions/{id}/actions/restart", this::restart);
        front.route("POST", Front.BASE + "/executions/{id}/actions/replay", this::replay);
        front.route("POST", Front.BASE + "/executions/{namespace}/{id}", this::create);
    }

    private Answer create(Call call) throws Exception {
        Flow flow = engine.flow(call.at("namespace"), call.at("id"));
        if (flow.isDisabled()) throw new ConflictException("Cannot execute a disabled flow");
        List<Label> labels = call.query().getOrDefault("labels", List.of()).stream()
            .map(label -> label.split(":", 2)).map(pair -> new Label(pair[0], pair[1])).toList();
        Execution empty = Execution.newExecution(flow, labels);
        Execution execution = empty.withInputs(inputs.readExecutionInputs(flow, empty, Flux.fromIterable(Multipart.fields(call))).block());
        passChecks(flow, execution);
        starter.startExecution(execution).block();
        boolean wait = call.query("wait").map(Boolean::parseBoolean).orElse(false);
        return Answer.json(withUrl(wait ? engine.awaitEnd(execution.getId(), WAIT_DEADLINE)
            : engine.executions.findById(Engine.TENANT, execution.getId()).orElse(execution)));
    }

    /** Kestra's webserver asks for a flow's {@code checks} here, and only here: a webhook or a schedule does not pass by. */
    private void passChecks(Flow flow, Execution execution) {
        List<Check> failed = flows.getFailedChecks(flow, execution.getInputs());
        switch (Check.resolveBehavior(failed)) {
            case BLOCK_EXECUTION -> throw new IllegalArgumentException("Flow execution blocked: "
                + failed.stream().map(Check::getMessage).collect(Collectors.joining(", ")));
            case FAIL_EXECUTION -> throw new UnsupportedOperationException("checks with FAIL_EXECUTION are not modelled");
            case CREATE_EXECUTION -> { }
        }
    }

    private ObjectNode withUrl(Execution execution) {
        ObjectNode node = JacksonMapper.ofJson().valueToTree(execution);
        return node.put("url", url + "/ui/" + Engine.TENANT + "/executions/"
            + execution.getNamespace() + "/" + execution.getFlowId() + "/" + execution.getId());
    }

    private Answer search(Call call) {
        List<QueryFilter> filters = new ArrayList<>();
        filter(call, filters, "namespace", QueryFilter.Field.NAMESPACE);
        filter(call, filters, "flowId", QueryFilter.Field.FLOW_ID);
        filter(call, filters, "state", QueryFilter.Field.STATE);
        filter(call, filters, "triggerExecutionId", QueryFilter.Field.TRIGGER_EXECUTION_ID);
        var found = engine.executions.find(Pageable.from(call.query("page", 1), call.query("size", 25)), Engine.TENANT, filters);
        return Answer.json(Map.of("results", found, "total", found.getTotal()));
    }

    private static void filter(Call call, List<QueryFilter> filters, String name, QueryFilter.Field field) {
        call.query(name).or(() -> call.query("filters[" + name + "][EQUALS]")).ifPresent(value ->
            filters.add(QueryFilter.builder().field(field).operation(QueryFilter.Op.EQUALS).value(value).build()));
    }

    /** Server-sent events with ids start, progress, end; closes after the end. */
    private Answer follow(Call call) {
        Execution now = engine.execution(call.at("id"));
        Flow flow = engine.flow(now.getNamespace(), now.getFlowId());
        String subscriber = IdUtils.create();
        return Answer.events(Flux.<Event<Execution>>create(sink -> {
            sink.next(Event.of(now).id("start"));
            stream.registerSubscriber(now.getId(), subscriber, sink, flow);
            Execution again = engine.execution(now.getId());
            if (stream.isStopFollow(flow, again)) {
                sink.next(Event.of(again).id("end"));
                sink.complete();
            }
        }).doFinally(signal -> stream.unregisterSubscriber(now.getId(), subscriber)));
    }

    private Answer kill(Call call) throws Exception {
        Execution execution = engine.execution(call.at("id"));
        if (execution.getState().isTerminated()) throw new ConflictException("Execution is already finished, can't kill it");
        engine.kill(execution.getId());
        return new Answer(202, Answer.JSON, execution);
    }

    private Answer restart(Call call) throws Exception {
        Execution execution = engine.execution(call.at("id"));
        if (!execution.getState().isTerminated()) throw new ConflictException("Execution is still running, can't restart it");
        engine.command(Restart.from(execution, null));
        return Answer.json(execution);
    }

    private Answer replay(Call call) throws Exception {
        Execution execution = engine.execution(call.at("id"));
        String copy = IdUtils.create();
        engine.command(Replay.from(execution, copy, call.query("taskRunId").orElse(null), null, null));
        return Answer.json(Map.of("id", copy, "originalId", execution.getId()));
    }
}
