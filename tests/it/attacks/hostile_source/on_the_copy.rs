//! What a source's owners wrote and the dump makes on the copy's server.

use railstage::copying::CopyOptions;

use super::{options, struck, with};
use crate::copy::{run, texts};

/// Whatever the dump makes on the copy's server that could run there, but for what PostgreSQL must compute.
const FOR_THE_TARGET: &str = "
    CREATE FUNCTION evil.fires() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM evil.mark('trigger'); RETURN NEW; END $$;
    CREATE TABLE evil.loaded (id int DEFAULT length(evil.mark('default')), word text);
    INSERT INTO evil.loaded VALUES (1, 'a'), (2, 'b');
    CREATE TRIGGER fires BEFORE INSERT OR UPDATE OR TRUNCATE ON evil.loaded EXECUTE FUNCTION evil.fires();
    CREATE TRIGGER fires_each BEFORE INSERT ON evil.loaded FOR EACH ROW EXECUTE FUNCTION evil.fires();
    ALTER TABLE evil.loaded ENABLE ALWAYS TRIGGER fires_each;
    CREATE RULE also AS ON INSERT TO evil.loaded DO ALSO SELECT evil.mark('rule');
    CREATE VIEW evil.looked AS SELECT evil.mark('view');
    CREATE PROCEDURE evil.done() LANGUAGE plpgsql AS $$ BEGIN PERFORM evil.mark('procedure'); END $$;
    CREATE FUNCTION evil.is_equal(text, text) RETURNS bool LANGUAGE plpgsql AS
        $$ BEGIN PERFORM evil.mark('operator'); RETURN $1 OPERATOR(pg_catalog.=) $2; END $$;
    CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.is_equal);
    CREATE FUNCTION evil.is_equal(\"char\", \"char\") RETURNS bool LANGUAGE plpgsql AS
        $$ BEGIN PERFORM evil.mark('char'); RETURN $1 OPERATOR(pg_catalog.=) $2; END $$;
    CREATE OPERATOR evil.= (LEFTARG = \"char\", RIGHTARG = \"char\", FUNCTION = evil.is_equal);
    CREATE FUNCTION evil.is_equal(oid, oid) RETURNS bool LANGUAGE plpgsql AS
        $$ BEGIN PERFORM evil.mark('oid'); RETURN $1 OPERATOR(pg_catalog.=) $2; END $$;
    CREATE OPERATOR evil.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = evil.is_equal);
    CREATE FUNCTION evil.quotient(int8, int8) RETURNS int8 LANGUAGE plpgsql AS
        $$ BEGIN PERFORM evil.mark('quotient'); RETURN $1 OPERATOR(pg_catalog./) $2; END $$;
    CREATE OPERATOR evil./ (LEFTARG = int8, RIGHTARG = int8, FUNCTION = evil.quotient);
    CREATE DOMAIN evil.int8 AS pg_catalog.int8 CHECK (evil.mark('type') IS NOT NULL);
    CREATE DOMAIN evil.regclass AS pg_catalog.regclass CHECK (evil.mark('type') IS NOT NULL);
    CREATE SEQUENCE evil.counted;
    CREATE MATERIALIZED VIEW evil.plain AS SELECT 1 AS x;
    SELECT lo_from_bytea(0, 'a');
    CREATE TABLE evil.big AS SELECT i, repeat(md5(i::text), 30) AS body FROM generate_series(1, 4000) AS i;
    ALTER DATABASE railway SET search_path = evil, pg_catalog, public;";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_copy_makes_on_its_server_runs_neither_there_nor_on_the_source_while_it_is_made() {
    let ends = with(FOR_THE_TARGET).await;
    let superusers = "
        CREATE FUNCTION evil.notes() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM evil.mark('event'); END $$;
        CREATE EVENT TRIGGER starts ON ddl_command_start EXECUTE FUNCTION evil.notes();
        CREATE EVENT TRIGGER ends ON ddl_command_end EXECUTE FUNCTION evil.notes();
        CREATE EVENT TRIGGER drops ON sql_drop EXECUTE FUNCTION evil.notes();
        CREATE EVENT TRIGGER rewrites ON table_rewrite EXECUTE FUNCTION evil.notes();
        ALTER EVENT TRIGGER starts ENABLE ALWAYS";
    run(&ends.source().await, superusers).await;
    if ends.bin.major() >= 17 {
        run(&ends.source().await, "CREATE EVENT TRIGGER logs_in ON login EXECUTE FUNCTION evil.notes()").await;
    }
    for copy_id in ["run-1", "run-2"] {
        ends.copy(&CopyOptions { copy_id: copy_id.to_owned(), ..options(&ends) }).await.unwrap();
        assert_eq!(struck(&ends.source), Vec::<String>::new(), "on the source by {copy_id}");
        assert_eq!(struck(&ends.target), Vec::<String>::new(), "on the target by {copy_id}");
    }
    let target = ends.target().await;
    let made =
        "SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'fires%' UNION ALL SELECT count(*) FROM pg_event_trigger";
    let events = if ends.bin.major() >= 17 { "5" } else { "4" };
    assert_eq!(texts(&target, made).await, ["2", events]);
}
