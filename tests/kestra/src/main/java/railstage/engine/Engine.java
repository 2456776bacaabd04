package railstage.engine;

import io.kestra.core.exceptions.FlowProcessingException;
import io.kestra.core.exceptions.NotFoundException;
import io.kestra.core.executor.command.ExecutionCommand;
import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.executions.ExecutionKilled;
import io.kestra.core.models.executions.ExecutionKilledExecution;
import io.kestra.core.models.flows.Flow;
import io.kestra.core.models.flows.FlowSource;
import io.kestra.core.models.flows.FlowWithSource;
import io.kestra.core.models.validations.ValidateConstraintViolation;
import io.kestra.core.queues.BroadcastQueueInterface;
import io.kestra.core.queues.DispatchQueueInterface;
import io.kestra.core.queues.QueueException;
import io.kestra.core.repositories.ExecutionRepositoryInterface;
import io.kestra.core.repositories.FlowRepositoryInterface;
import io.kestra.core.runners.Indexer;
import io.kestra.core.runners.Scheduler;
import io.kestra.core.runners.Worker;
import io.kestra.core.server.Service;
import io.kestra.core.services.ExecutionService;
import io.kestra.core.services.FlowService;
import io.kestra.core.worker.Controller;
import io.kestra.executor.DefaultExecutor;
import io.micronaut.context.ApplicationContext;
import io.micronaut.core.type.Argument;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Kestra's own services in one process, as {@code kestra server standalone} runs them, less the webserver; its worker can be left to processes of their own. */
final class Engine {
    static final String TENANT = "main";
    /** Whose settings lie in {@code application-*.yml}: what keeps the tables, and what runs in several processes. */
    private static final String SERVER = "server";
    private static final String APART = "apart";
    private static final String WORKER = "worker";
    private static final int WORKER_THREADS = 8;
    private static final Duration START_DEADLINE = Duration.ofSeconds(120);
    private static final Duration POLL = Duration.ofMillis(10);

    private final ApplicationContext context;
    private final boolean workersApart;
    final FlowService flowService;
    final FlowRepositoryInterface flows;
    final ExecutionRepositoryInterface executions;
    private final ExecutionService executionService;
    private final SocketChannel controllerPort = takePort();

    /** Brings the context up, which also lays the tables; {@link #start} starts the services, the worker only when they are not {@code workersApart}. */
    Engine(String url, boolean workersApart) throws IOException {
        this.workersApart = workersApart;
        context = context(url, controllerPort(), storage(), workersApart ? List.of(SERVER, APART) : List.of(SERVER));
        flowService = context.getBean(FlowService.class);
        flows = context.getBean(FlowRepositoryInterface.class);
        executions = context.getBean(ExecutionRepositoryInterface.class);
        executionService = context.getBean(ExecutionService.class);
    }

    /** A bean of Kestra's. */
    <T> T bean(Class<T> type) {
        return context.getBean(type);
    }

    private static ApplicationContext context(String url, int controllerPort, Path storage, List<String> settings) {
        return ApplicationContext.builder().banner(false)
            .deduceEnvironment(false).environments(settings.toArray(String[]::new))
            .singletons(new EveryLog())
            .properties(Map.of("engine.url", url, "engine.grpc-port", controllerPort, "engine.storage", storage.toString()))
            .start();
    }

    /** The port at which workers find this engine. */
    int controllerPort() {
        return controllerPort.socket().getLocalPort();
    }

    /** The files that this engine and its workers share. */
    static Path storage() {
        return Path.of(System.getProperty("engine.dir"), "storage");
    }

    /** A worker alone in its process, which knows nothing of its engine but the controller's port and the shared files; returns when it runs. */
    static void startWorker(int controllerPort, Path storage) throws InterruptedException {
        Worker worker = context("http://localhost/", controllerPort, storage, List.of(WORKER, APART)).getBean(Worker.class);
        awaitRunning(List.of(launch(worker, () -> worker.start(WORKER_THREADS))));
    }

    /** Returns when executor, controller, worker, scheduler and indexer all run. */
    void start() throws InterruptedException {
        List<Service> services = new ArrayList<>();
        DefaultExecutor executor = bean(DefaultExecutor.class);
        services.add(launch(executor, executor::run));
        Controller controller = bean(Controller.class);
        services.add(launch(controller, controller::start));
        if (!workersApart) {
            Worker worker = bean(Worker.class);
            services.add(launch(worker, () -> worker.start(WORKER_THREADS)));
        }
        Scheduler scheduler = bean(Scheduler.class);
        services.add(launch(scheduler, scheduler::run));
        Indexer indexer = bean(Indexer.class);
        services.add(launch(indexer, indexer::run));
        awaitRunning(services);
    }

    private static void awaitRunning(List<Service> services) throws InterruptedException {
        long end = System.nanoTime() + START_DEADLINE.toNanos();
        for (Service service : services) {
            while (service.getState() == null || !service.getState().isRunning()) {
                if (System.nanoTime() > end) throw new IllegalStateException(service.getClass().getSimpleName() + " is " + service.getState());
                Thread.sleep(POLL);
            }
        }
    }

    private static Service launch(Service service, Runnable run) {
        Thread.ofPlatform().daemon().name("engine-" + service.getClass().getSimpleName()).start(run);
        return service;
    }

    /** A port that stays ours: bound, but not listened on, it is given to nobody, and the controller, which allows reuse, can listen on it. */
    private static SocketChannel takePort() throws IOException {
        return SocketChannel.open().setOption(StandardSocketOptions.SO_REUSEADDR, true).bind(new InetSocketAddress("0.0.0.0", 0));
    }

    /** Every flow file under {@code dir}, sorted. */
    static List<Path> flowFiles(Path dir) throws IOException {
        try (var files = Files.walk(dir)) {
            return files.filter(file -> file.toString().matches(".*\\.ya?ml")).sorted().toList();
        }
    }

    List<ValidateConstraintViolation> validate(String name, String yaml) {
        return flowService.validate(TENANT, List.of(new FlowSource(name, yaml)));
    }

    FlowWithSource saveFlow(String yaml) throws FlowProcessingException {
        return flowService.importFlow(TENANT, yaml);
    }

    Flow flow(String namespace, String id) {
        return flows.findById(TENANT, namespace, id, Optional.empty())
            .orElseThrow(() -> new NotFoundException("no flow " + namespace + "/" + id));
    }

    Execution execution(String id) {
        return executions.findById(TENANT, id).orElseThrow(() -> new NotFoundException("no execution " + id));
    }

    /** Waits until the execution is over in Kestra's sense: {@code afterExecution} tasks are done too. */
    Execution awaitEnd(String id, Duration limit) throws InterruptedException {
        long end = System.nanoTime() + limit.toNanos();
        while (System.nanoTime() < end) {
            Optional<Execution> now = executions.findById(TENANT, id);
            if (now.isPresent() && executionService.isTerminated(flow(now.get().getNamespace(), now.get().getFlowId()), now.get())) return now.get();
            Thread.sleep(POLL);
        }
        throw new IllegalStateException("execution " + id + " is still running");
    }

    void kill(String id) throws QueueException {
        BroadcastQueueInterface<ExecutionKilled> queue = context.getBean(Argument.of(BroadcastQueueInterface.class, ExecutionKilled.class));
        queue.emit(ExecutionKilledExecution.builder().tenantId(TENANT).executionId(id)
            .state(ExecutionKilled.State.REQUESTED).isOnKillCascade(true).build());
    }

    void command(ExecutionCommand command) throws QueueException {
        DispatchQueueInterface<ExecutionCommand> queue = context.getBean(Argument.of(DispatchQueueInterface.class, ExecutionCommand.class));
        queue.emit(command);
    }
}
