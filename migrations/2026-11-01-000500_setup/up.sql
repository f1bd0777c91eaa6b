-- What only this account has, and what its pipelines have become.

-- The values of fields that hermes-fields.toml names beyond those with a column: {"name": "text"}.
ALTER TABLE company ADD COLUMN extra jsonb DEFAULT '{}' NOT NULL;
-- Those that people wrote into the deal itself.
ALTER TABLE deal ADD COLUMN extra jsonb DEFAULT '{}' NOT NULL;

-- Not in Pipedrive any more, when somebody last looked. The rows stay, since deals refer to them.
ALTER TABLE pipeline ADD COLUMN is_deleted boolean DEFAULT false NOT NULL;
ALTER TABLE stage ADD COLUMN is_deleted boolean DEFAULT false NOT NULL;
