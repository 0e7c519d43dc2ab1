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

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM mailtally_loader, mailtally_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO mailtally_loader, mailtally_reader;
GRANT INSERT, DELETE ON mail_traffic_daily, mail_traffic_detail TO mailtally_loader;
GRANT INSERT ON mail_traffic_load, mail_traffic_change TO mailtally_loader;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO mailtally_loader;

COMMIT;
