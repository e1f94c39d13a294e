export const DATABASE = 'bench';
export const LEDGER_DATABASE = 'background_consumer';

/** Creates the empty tables of all loads, with as few secondary keys as an application could have. */
export const TABLES_SQL = `
DROP DATABASE IF EXISTS ${LEDGER_DATABASE};
DROP DATABASE IF EXISTS ${DATABASE};
CREATE DATABASE ${DATABASE};
USE ${DATABASE};
CREATE TABLE Plain (
  ID int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  Age int unsigned NOT NULL DEFAULT 0,
  Name varchar(100) DEFAULT NULL,
  Comment varchar(255) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE Member (
  ID int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  Name varchar(100) DEFAULT NULL,
  Email varchar(100) DEFAULT NULL UNIQUE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE _log_default_Member (
  id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  entity_id int unsigned NOT NULL,
  added_at datetime NOT NULL,
  meta json DEFAULT NULL,
  \`before\` json DEFAULT NULL,
  changes json DEFAULT NULL,
  KEY entity_id (entity_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
`;

const ROW_VALUES: Readonly<Record<string, string>> = {
  Plain: "(ID, Name, Comment) SELECT seq, CONCAT('before ', seq), 'a row that was there before'",
  Member: "(ID, Name, Email) SELECT seq, CONCAT('before ', seq), CONCAT('before-', seq, '@example.com')",
};

/** Inserts rows with ids from 1, using MariaDB's sequence engine. */
export function rowsSql(table: string, rows: number): string {
  return `INSERT INTO ${table} ${ROW_VALUES[table]} FROM seq_1_to_${rows}`;
}
