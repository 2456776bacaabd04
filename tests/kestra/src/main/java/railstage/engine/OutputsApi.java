package railstage.engine;

import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.executions.TaskRun;
import io.kestra.core.repositories.MetricRepositoryInterface;
import io.kestra.core.services.ExecutionOutputService;
import io.kestra.core.services.TaskOutputService;
import io.micronaut.data.model.Pageable;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Outputs of executions and task runs, which 2.0 keeps apart from the execution, and metrics. */
final class OutputsApi {
    private final Engine engine;
    private final ExecutionOutputService ofExecutions;
    private final TaskOutputService ofTasks;
    private final MetricRepositoryInterface metrics;

    OutputsApi(Engine engine, Front front) {
        this.engine = engine;
        ofExecutions = engine.bean(ExecutionOutputService.class);
        ofTasks = engine.bean(TaskOutputService.class);
        metrics = engine.bean(MetricRepositoryInterface.class);
        front.route("GET", Front.BASE + "/outputs/executions/{id}",
            call -> Answer.json(orEmpty(ofExecutions.getOutputs(engine.execution(call.at("id"))))));
        front.route("GET", Front.BASE + "/outputs/tasks/{id}", this::taskRuns);
        front.route("GET", Front.BASE + "/outputs/tasks/{id}/{taskRunId}",
            call -> Answer.json(orEmpty(ofTasks.getOutputs(engine.execution(call.at("id")).findTaskRunByTaskRunId(call.at("taskRunId"))))));
        front.route("GET", Front.BASE + "/metrics/{id}", this::metrics);
    }

    private static Map<String, Object> orEmpty(Map<String, Object> outputs) {
        return outputs == null ? Map.of() : outputs;
    }

    /** The task runs that have outputs. */
    private Answer taskRuns(Call call) throws Exception {
        Execution execution = engine.execution(call.at("id"));
        List<Map<String, Object>> all = new ArrayList<>();
        for (TaskRun run : Optional.ofNullable(execution.getTaskRunList()).orElse(List.of())) {
            if (orEmpty(ofTasks.getOutputs(run)).isEmpty()) continue;
            Map<String, Object> about = new LinkedHashMap<>();
            about.put("taskId", run.getTaskId());
            about.put("taskRunId", run.getId());
            about.put("value", run.getValue());
            about.put("inline", true);
            all.add(about);
        }
        return Answer.json(all);
    }

    private Answer metrics(Call call) {
        Pageable page = Pageable.from(call.query("page", 1), call.query("size", 25));
        String id = engine.execution(call.at("id")).getId();
        var found = call.query("taskRunId").map(run -> metrics.findByExecutionIdAndTaskRunId(Engine.TENANT, id, run, page))
            .or(() -> call.query("taskId").map(task -> metrics.findByExecutionIdAndTaskId(Engine.TENANT, id, task, page)))
            .orElseGet(() -> metrics.findByExecutionId(Engine.TENANT, id, page));
        return Answer.json(Map.of("results", found, "total", found.getTotal()));
    }
}
