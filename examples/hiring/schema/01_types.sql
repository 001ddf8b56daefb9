-- The words and value types that all tables share.

create type company_size as enum ('1-10', '11-50', '51-200', '201-1000', '1001+');
create type member_role as enum ('recruiter', 'hiring_manager');
create type skill_category as enum ('language', 'database', 'messaging', 'platform', 'interface', 'practice');
create type posting_state as enum ('draft', 'published', 'closed');
create type seniority_level as enum ('junior', 'mid', 'senior', 'staff', 'principal');
create type remote_policy as enum ('on_site', 'hybrid', 'remote');
create type application_stage as enum (
    'received', 'screening', 'interview', 'offer', 'hired', 'rejected', 'withdrawn'
);
create type application_source as enum ('job_board', 'referral', 'company_site', 'social', 'event');
create type interview_kind as enum ('phone_screen', 'technical', 'system_design', 'pairing', 'team');
create type interview_outcome as enum ('strong_no', 'no', 'yes', 'strong_yes');

comment on type posting_state is 'A posting goes from draft to published to closed.';
comment on type application_stage is
    'received, screening, interview, offer; then hired, rejected (by the company) or withdrawn (by the candidate).';
comment on type interview_outcome is 'What the interviewer recommends.';

create domain email_address as text
    check (value ~ '^[^@ ]+@[^@ ]+[.][^@ ]+$' and length(value) <= 254);
comment on domain email_address is 'Something that looks like an e-mail address.';

create domain web_address as text
    check (value ~ '^https?://[^ ]+$');
comment on domain web_address is 'An absolute http or https address.';

create domain slug as text
    check (value ~ '^[a-z0-9]+(-[a-z0-9]+)*$');
comment on domain slug is 'A name for addresses: lower case letters, digits and single hyphens.';

create domain country_code as text
    check (value ~ '^[A-Z]{2}$');
comment on domain country_code is 'ISO 3166-1 alpha-2, for example PT.';

create domain currency_code as text
    check (value ~ '^[A-Z]{3}$');
comment on domain currency_code is 'ISO 4217, for example EUR.';

create domain yearly_salary as numeric(10, 2)
    check (value > 0);
comment on domain yearly_salary is 'Gross amount per year, in the currency named beside it.';
