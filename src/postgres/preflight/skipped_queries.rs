//! Queries for what a copy leaves out; each gives one name a row, to be told with the reason beside it.

const ROLES: &str = "roles belong to a server, not to a database";

/// Query and reason.
pub(crate) const ALL: &[(&str, &str)] = &[
    (OWNERS, "everything belongs to the login of the target"),
    (GRANTS, ROLES),
    (LABELS, "labels belong to a provider of the server"),
    (TABLESPACES, "the target's own tablespace holds everything"),
    (MAPPINGS, "it holds a login to another server"),
    (FOREIGN, "its rows are on another server"),
    (MEMBERS, "the extension does not say that they are the user's"),
    (UNFILLED, "it is not filled on the source either"),
    (UNLOGGED, "it is not on a standby, since it is unlogged: copy from the primary"),
    (SUBSCRIPTIONS, "a copy must not take part in replication"),
];

/// All that has an owner, but for what belongs to the system or to an extension.
const OWNERS: &str = "
    SELECT 'ownership by role ' || pg_catalog.pg_get_userbyid(o.owner) || ' (' || pg_catalog.count(*) || ' objects)'
      FROM (SELECT 'pg_class'::regclass, oid, relowner FROM pg_catalog.pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c')
            UNION ALL SELECT 'pg_proc'::regclass, oid, proowner FROM pg_catalog.pg_proc
            UNION ALL SELECT 'pg_type'::regclass, oid, typowner FROM pg_catalog.pg_type WHERE typrelid = 0 AND typcategory <> 'A'
            UNION ALL SELECT 'pg_namespace'::regclass, oid, nspowner FROM pg_catalog.pg_namespace
            UNION ALL SELECT 'pg_collation'::regclass, oid, collowner FROM pg_catalog.pg_collation
            UNION ALL SELECT 'pg_conversion'::regclass, oid, conowner FROM pg_catalog.pg_conversion
            UNION ALL SELECT 'pg_operator'::regclass, oid, oprowner FROM pg_catalog.pg_operator
            UNION ALL SELECT 'pg_opclass'::regclass, oid, opcowner FROM pg_catalog.pg_opclass
            UNION ALL SELECT 'pg_opfamily'::regclass, oid, opfowner FROM pg_catalog.pg_opfamily
            UNION ALL SELECT 'pg_ts_dict'::regclass, oid, dictowner FROM pg_catalog.pg_ts_dict
            UNION ALL SELECT 'pg_ts_config'::regclass, oid, cfgowner FROM pg_catalog.pg_ts_config
            UNION ALL SELECT 'pg_statistic_ext'::regclass, oid, stxowner FROM pg_catalog.pg_statistic_ext
            UNION ALL SELECT 'pg_largeobject'::regclass, oid, lomowner FROM pg_catalog.pg_largeobject_metadata
            UNION ALL SELECT 'pg_event_trigger'::regclass, oid, evtowner FROM pg_catalog.pg_event_trigger
            UNION ALL SELECT 'pg_publication'::regclass, oid, pubowner FROM pg_catalog.pg_publication
            UNION ALL SELECT 'pg_foreign_server'::regclass, oid, srvowner FROM pg_catalog.pg_foreign_server
            UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, oid, fdwowner FROM pg_catalog.pg_foreign_data_wrapper
            UNION ALL SELECT 'pg_language'::regclass, oid, lanowner FROM pg_catalog.pg_language) AS o(class, oid, owner)
     WHERE (o.oid >= 16384 OR o.class = 'pg_largeobject'::regclass)
       AND o.owner <> (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user)
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d WHERE d.classid = o.class AND d.objid = o.oid AND d.deptype = 'e')
     GROUP BY o.owner ORDER BY 1";

/// Rights that are not those of a new object, nor those that the system or an extension gave.
const GRANTS: &str = "
    SELECT 'rights on ' || o.kind || ' (' || pg_catalog.count(DISTINCT (o.oid, o.sub)) || ') granted to '
           || coalesce(pg_catalog.string_agg(DISTINCT CASE WHEN a.grantee = 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(a.grantee) END, ', ')
                       FILTER (WHERE a.grantee <> o.owner), 'nobody else')
      FROM (SELECT 'tables', 'pg_class'::regclass, oid, 0, relacl, relowner, 'r'::\"char\" FROM pg_catalog.pg_class WHERE relkind <> 'S'
            UNION ALL SELECT 'sequences', 'pg_class'::regclass, oid, 0, relacl, relowner, 's' FROM pg_catalog.pg_class WHERE relkind = 'S'
            UNION ALL SELECT 'columns', 'pg_class'::regclass, attrelid, attnum, attacl, relowner, 'c'
                        FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid WHERE NOT attisdropped
            UNION ALL SELECT 'schemas', 'pg_namespace'::regclass, oid, 0, nspacl, nspowner, 'n' FROM pg_catalog.pg_namespace
            UNION ALL SELECT 'functions', 'pg_proc'::regclass, oid, 0, proacl, proowner, 'f' FROM pg_catalog.pg_proc
            UNION ALL SELECT 'types', 'pg_type'::regclass, oid, 0, typacl, typowner, 'T' FROM pg_catalog.pg_type
            UNION ALL SELECT 'languages', 'pg_language'::regclass, oid, 0, lanacl, lanowner, 'l' FROM pg_catalog.pg_language
            UNION ALL SELECT 'large objects', 'pg_largeobject'::regclass, oid, 0, lomacl, lomowner, 'L' FROM pg_catalog.pg_largeobject_metadata
            UNION ALL SELECT 'foreign servers', 'pg_foreign_server'::regclass, oid, 0, srvacl, srvowner, 'S' FROM pg_catalog.pg_foreign_server
            UNION ALL SELECT 'foreign data wrappers', 'pg_foreign_data_wrapper'::regclass, oid, 0, fdwacl, fdwowner, 'F' FROM pg_catalog.pg_foreign_data_wrapper
            UNION ALL SELECT 'the database', 'pg_database'::regclass, oid, 0, datacl, datdba, 'd' FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()
            UNION ALL SELECT 'objects to come', 'pg_default_acl'::regclass, oid, 0, defaclacl, defaclrole, NULL FROM pg_catalog.pg_default_acl
           ) AS o(kind, class, oid, sub, acl, owner, letter)
      LEFT JOIN pg_catalog.pg_init_privs AS i ON i.classoid = o.class AND i.objoid = o.oid AND i.objsubid = o.sub
      LEFT JOIN LATERAL pg_catalog.aclexplode(o.acl) AS a ON true
     WHERE (o.oid >= 16384 OR i.initprivs IS NOT NULL OR o.class IN ('pg_largeobject'::regclass, 'pg_database'::regclass))
       AND o.acl IS NOT NULL AND o.acl IS DISTINCT FROM i.initprivs
       AND o.acl IS DISTINCT FROM pg_catalog.acldefault(o.letter, o.owner)
     GROUP BY o.kind ORDER BY 1";

const LABELS: &str = "
    SELECT 'security labels (' || pg_catalog.count(*) || ')' FROM pg_catalog.pg_seclabel HAVING pg_catalog.count(*) > 0";

const TABLESPACES: &str = "
    SELECT 'tablespace ' || t.spcname || ' (' || pg_catalog.count(*) || ' relations)'
      FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_tablespace AS t ON t.oid = c.reltablespace
     WHERE t.spcname <> 'pg_global' GROUP BY t.spcname
    UNION ALL
    SELECT 'tablespace ' || t.spcname || ' of the database'
      FROM pg_catalog.pg_database AS d JOIN pg_catalog.pg_tablespace AS t ON t.oid = d.dattablespace
     WHERE d.datname = pg_catalog.current_database() AND t.spcname <> 'pg_default' ORDER BY 1";

const MAPPINGS: &str = "
    SELECT 'user mapping of ' || coalesce(usename::text, 'public') || ' to server ' || srvname FROM pg_catalog.pg_user_mappings ORDER BY 1";

const FOREIGN: &str = "
    SELECT 'rows of foreign table ' || n.nspname || '.' || c.relname
      FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relkind = 'f' ORDER BY 1";

/// Tables and sequences that an extension made and did not mark: its script on the target fills them, as it did here.
const MEMBERS: &str = "
    SELECT 'changes to ' || n.nspname || '.' || c.relname || ' of extension ' || e.extname
      FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
      JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid
     WHERE c.relkind IN ('r', 'm', 'S') AND NOT c.oid = ANY (coalesce(e.extconfig, '{}')) AND pg_catalog.pg_relation_size(c.oid) > 0 ORDER BY 1";

const UNFILLED: &str = "
    SELECT 'rows of materialized view ' || n.nspname || '.' || c.relname
      FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.relkind = 'm' AND NOT c.relispopulated ORDER BY 1";

/// The rows of unlogged tables are told with the tables.
const UNLOGGED: &str = "
    SELECT 'value of sequence ' || n.nspname || '.' || c.relname
      FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.relkind = 'S' AND c.relpersistence = 'u' AND pg_catalog.pg_is_in_recovery() ORDER BY 1";

/// Some columns are hidden from ordinary logins, but never these.
const SUBSCRIPTIONS: &str = "
    SELECT 'subscription ' || s.subname FROM pg_catalog.pg_subscription AS s
      JOIN pg_catalog.pg_database AS d ON d.oid = s.subdbid AND d.datname = pg_catalog.current_database() ORDER BY 1";
