package railstage.engine;

import io.kestra.core.models.validations.ValidateConstraintViolation;
import io.kestra.core.serializers.JacksonMapper;

import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** {@code serve}, {@code worker}, {@code validate}, {@code train}; {@code run} beside the sources is the way to call it, and tells of their arguments. */
public final class Main {
    private static final int BAD_CALL = 2;
    private static final int CHILD_GRACE_SECONDS = 3;
    private static final int MOST_TURNS = 20;
    private static final PrintStream STDOUT = System.out;

    private Main() {}

    public static void main(String[] args) {
        System.setOut(System.err);
        Runtime.getRuntime().addShutdownHook(new Thread(Main::cleanUp));
        try {
            List<String> given = List.of(args);
            switch (given.isEmpty() ? "" : given.getFirst()) {
                case "serve" -> serve(Path.of(given.get(1)), given.contains("--workers-apart"), given.contains("--until-eof"));
                case "worker" -> worker(Integer.parseInt(given.get(1)), Path.of(given.get(2)), given.contains("--until-eof"));
                case "validate" -> System.exit(validate(Path.of(given.get(1))));
                case "train" -> {
                    Front front = front();
                    start(front, List.of(), false);
                    Training.run(front);
                    System.exit(0);
                }
                default -> throw new IllegalArgumentException("no such command: " + given);
            }
        } catch (IllegalArgumentException e) {
            System.err.println("engine: " + e.getMessage());
            System.exit(BAD_CALL);
        } catch (Throwable t) {
            t.printStackTrace();
            System.exit(1);
        }
    }

    private static void serve(Path dir, boolean workersApart, boolean untilEof) throws Exception {
        Front front = front();
        Engine engine = start(front, Engine.flowFiles(dir), workersApart);
        answer(Map.of("url", front.url(), "pid", ProcessHandle.current().pid(),
            "controller", engine.controllerPort(), "storage", Engine.storage().toString()), untilEof);
    }

    private static void worker(int controllerPort, Path storage, boolean untilEof) throws Exception {
        Engine.startWorker(controllerPort, storage);
        answer(Map.of("pid", ProcessHandle.current().pid()), untilEof);
    }

    /** Tells whoever called that this process does its work now, which it goes on with until it is ended. */
    private static void answer(Map<String, Object> ready, boolean untilEof) throws Exception {
        STDOUT.println(JacksonMapper.ofJson().writeValueAsString(ready));
        STDOUT.flush();
        if (untilEof) {
            System.in.transferTo(PrintStream.nullOutputStream());
            System.exit(0);
        }
        Thread.currentThread().join();
    }

    private static Front front() throws IOException {
        return new Front(Integer.parseInt(System.getenv().getOrDefault("KENGINE_PORT", "0")), new BasicAuth(System.getenv("KENGINE_BASIC")));
    }

    /** The engine with its flows loaded, answering; a flow that Kestra refuses ends the start. */
    private static Engine start(Front front, List<Path> flowFiles, boolean workersApart) throws Exception {
        Engine engine = new Engine(front.url() + "/", workersApart);
        engine.start();
        for (Path file : flowFiles) {
            String yaml = Files.readString(file);
            for (ValidateConstraintViolation found : engine.validate(file.toString(), yaml)) {
                if (found.getConstraints() != null) throw new IllegalArgumentException(file + " is refused: " + found.getConstraints().strip());
            }
            engine.saveFlow(yaml);
        }
        new ExecutionsApi(engine, front);
        new WebhookApi(engine, front);
        new OutputsApi(engine, front);
        new LogsApi(engine, front);
        new FlowsApi(engine, front);
        front.start();
        return engine;
    }

    /** One line per flow on stdout; the status is 1 when one of them is not valid. */
    private static int validate(Path dir) throws IOException {
        Engine engine = new Engine("http://localhost/", false);
        int status = 0;
        for (Path file : Engine.flowFiles(dir)) {
            for (ValidateConstraintViolation found : engine.validate(file.toString(), Files.readString(file))) {
                boolean valid = found.getConstraints() == null;
                STDOUT.println(file + ": " + (valid ? "ok" : found.getConstraints().strip())
                    + note("warnings", found.getWarnings()) + note("deprecated", found.getDeprecationPaths()));
                if (!valid) status = 1;
            }
        }
        return status;
    }

    private static String note(String what, List<String> lines) {
        return lines == null || lines.isEmpty() ? "" : ", " + what + ": " + String.join("; ", lines);
    }

    /** Ends the tasks that still run, then removes the engine's folder; again, since the engine may go on to a task that takes back what the ended one did. */
    private static void cleanUp() {
        Path folder = Path.of(System.getProperty("engine.dir"));
        for (int turn = 0; turn < MOST_TURNS && (turn == 0 || Files.exists(folder)); turn++) {
            endTasks();
            remove(folder);
        }
        if (Files.exists(folder)) System.err.println("engine: " + folder + " could not be removed");
    }

    private static void endTasks() {
        List<ProcessHandle> children = ProcessHandle.current().descendants().toList();
        children.forEach(ProcessHandle::destroy);
        for (ProcessHandle child : children) {
            try {
                child.onExit().get(CHILD_GRACE_SECONDS, TimeUnit.SECONDS);
            } catch (Exception stubborn) {
                child.destroyForcibly();
            }
        }
    }

    private static void remove(Path folder) {
        try (var files = Files.walk(folder)) {
            files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
        } catch (IOException | UncheckedIOException goesOnToChange) {
            // The next turn sees what it has become.
        }
    }
}
