-- The rights of mailtally's users in PostgreSQL (14 or newer). Run it as the owner of the tables, with
-- psql, once they are there, and again after each upgrade:
--
--   mailtally-loader migrate
--   MAILTALLY_SECRETS=/etc/mailtally/secrets psql -d mailtally -f roles.sql
--
-- Passwords are read from the files postgres/loader and postgres/reader below MAILTALLY_SECRETS.
--
--   the owner          makes and changes the tables, and is nobody's everyday user
--   mailtally_loader   reads and writes rows; what was loaded and what it changed, it can only add to
--   mailtally_reader   reads
--
-- PostgreSQL lets everybody store large objects, send notifications and write into the log of changes,
-- whatever rights on tables there are. Only a superuser can take that from PUBLIC; run by another
-- owner, this warns of it. What PostgreSQL cannot forbid: that a role changes its own password and its
-- own session's settings, and sends NOTIFY. Other databases of the server are not touched: name this one
-- in pg_hba.conf.
\set ON_ERROR_STOP on
\set loader_password `cat "$MAILTALLY_SECRETS/postgres/loader"`
\set reader_password `cat "$MAILTALLY_SECRETS/postgres/reader"`

BEGIN;

SELECT format('CREATE ROLE %I', name)
FROM unnest(ARRAY['mailtally_loader', 'mailtally_reader']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec

ALTER ROLE mailtally_loader LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'loader_password';
ALTER ROLE mailtally_reader LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'reader_password';

-- Nobody but these, and nobody makes tables but the owner. Day files are staged in temporary tables.
REVOKE ALL ON DATABASE :"DBNAME" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"DBNAME" TO mailtally_loader, mailtally_reader;
GRANT TEMPORARY ON DATABASE :"DBNAME" TO mailtally_loader;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO mailtally_loader, mailtally_reader;

-- Large objects, and what else PUBLIC may write by a function.
SELECT format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC, mailtally_loader, mailtally_reader', oid::regprocedure)
FROM pg_proc
WHERE pronamespace = 'pg_catalog'::regnamespace
  AND (proname ~ '^lo_|^lo(read|write)$' OR proname IN ('pg_notify', 'pg_logical_emit_message')) \gexec

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM mailtally_loader, mailtally_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO mailtally_loader, mailtally_reader;
GRANT INSERT, DELETE ON mail_traffic_daily, mail_traffic_detail, mail_traffic_hourly TO mailtally_loader;
GRANT INSERT ON mail_traffic_load, mail_traffic_change TO mailtally_loader;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO mailtally_loader;

DO $$
BEGIN
  IF has_function_privilege('mailtally_reader', 'lo_create(oid)', 'EXECUTE') THEN
    RAISE WARNING 'mailtally_reader may store large objects: have a superuser run this script.';
  END IF;
END $$;

COMMIT;
