-- What a token may do beside reporting, as words separated by spaces: 'read' for reading reports.
alter table api_tokens add column scopes text;
