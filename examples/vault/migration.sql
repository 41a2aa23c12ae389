SET ROLE owner;

CREATE TABLE IF NOT EXISTS payments (
  id     bigint  PRIMARY KEY,
  amount numeric NOT NULL
);
