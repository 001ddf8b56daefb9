//! Enumerations and domains, and the types of columns, parameters and results.

use std::collections::HashSet;
use std::sync::Arc;

use plinth_values::{EnumType, Modifier, Type};
use sqlparser::ast;

use super::names::free_name;
use super::reader::{Reader, at};
use super::syntax::{CreateDomain, Expression, Qualified, Statement, TypeName, Word};
use crate::{Check, Column, Diagnostic, Domain, Name, RelationId};

/// A domain whose expressions are not resolved yet. Domains stand after those they are made from.
pub(super) struct DomainDraft<'s> {
    pub name: Name,
    statement: &'s CreateDomain,
    /// The domain under it
    base: Option<Name>,
    /// Its checks with their names, those of the domains under it first
    pub checks: Vec<(String, &'s Expression)>,
}

pub(super) fn declare<'s>(reader: &mut Reader<'_>, statements: &'s [Statement]) -> Vec<DomainDraft<'s>> {
    let mut domains = Vec::new();
    for statement in statements {
        let (name, domain, labels) = match statement {
            Statement::Enum { name, labels } => (name, None, labels.as_slice()),
            Statement::Domain(domain) => (&domain.name, Some(&**domain), &[] as &[Word]),
            _ => continue,
        };
        let declared = new_type(reader, name);
        let Some(name) = reader.keep(declared) else { continue };
        match domain {
            Some(domain) => domains.push((name, domain)),
            None => {
                let labels = labels.iter().map(|label| label.text.clone()).collect();
                reader.catalog.enums.push(Arc::new(EnumType {
                    schema: name.schema,
                    name: name.name,
                    labels,
                }));
            }
        }
    }
    reader.catalog.enums.sort_by(|a, b| (&a.schema, &a.name).cmp(&(&b.schema, &b.name)));
    declare_domains(reader, domains)
}

fn new_type(reader: &mut Reader<'_>, name: &Qualified) -> Result<Name, Diagnostic> {
    let new = reader.new_name(name)?;
    if let Some(first) = reader.type_places.get(&new) {
        return Err(reader.duplicate(name.place(), format!("type \"{name}\" already exists"), *first));
    }
    reader.type_places.insert(new.clone(), name.place());
    Ok(new)
}

/// Finds the type under each domain, those that others are made from first.
fn declare_domains<'s>(
    reader: &mut Reader<'_>,
    mut pending: Vec<(Name, &'s CreateDomain)>,
) -> Vec<DomainDraft<'s>> {
    let mut drafts: Vec<DomainDraft<'s>> = Vec::new();
    while !pending.is_empty() {
        let (ready, waiting): (Vec<_>, Vec<_>) = pending.iter().cloned().partition(|(_, domain)| {
            let base = custom_name(&domain.ty).and_then(|base| {
                reader.look_up(&base, |name| pending.iter().any(|(pending, _)| pending == name).then_some(()))
            });
            base.is_none()
        });
        if ready.is_empty() {
            for (name, domain) in &waiting {
                let message = format!("domain \"{}\" is made from itself", name.name);
                reader.report(domain.ty.place, message);
            }
            return drafts;
        }
        for (name, domain) in ready {
            let draft = declare_domain(reader, &drafts, name, domain);
            drafts.extend(reader.keep(draft));
        }
        pending = waiting;
    }
    drafts
}

fn declare_domain<'s>(
    reader: &mut Reader<'_>,
    drafts: &[DomainDraft<'s>],
    name: Name,
    statement: &'s CreateDomain,
) -> Result<DomainDraft<'s>, Diagnostic> {
    let (ty, modifier, base) = data_type(reader, &statement.ty)?;
    let under =
        base.as_ref().and_then(|base| reader.catalog.domains.iter().find(|domain| domain.name == *base));
    let not_null = statement.not_null || under.is_some_and(|under| under.not_null);
    let mut checks: Vec<(String, &Expression)> = match &base {
        Some(base) => drafts.iter().find(|draft| draft.name == *base).map(|draft| draft.checks.clone()),
        None => None,
    }
    .unwrap_or_default();
    let mut own: HashSet<String> =
        statement.checks.iter().filter_map(|(name, _)| Some(name.as_ref()?.text.clone())).collect();
    for (check_name, check) in &statement.checks {
        let check_name = match check_name {
            Some(word) if checks.iter().any(|(known, _)| *known == word.text) => {
                let message =
                    format!("constraint \"{}\" for domain \"{}\" already exists", word.text, name.name);
                return Err(reader.error(word.place, message));
            }
            Some(word) => word.text.clone(),
            None => free_name(&name.name, None, "check", |candidate| own.contains(candidate)),
        };
        own.insert(check_name.clone());
        checks.push((check_name, check));
    }
    if not_null || !checks.is_empty() {
        reader.constrained_domains.insert(name.clone());
    }
    reader.catalog.domains.push(Domain {
        name: name.clone(),
        ty,
        modifier,
        not_null,
        default: None,
        checks: Vec::new(),
        comment: None,
    });
    Ok(DomainDraft { name, statement, base, checks })
}

/// Resolves the domains' defaults and checks.
pub(super) fn expressions(reader: &mut Reader<'_>, drafts: &[DomainDraft<'_>]) {
    for draft in drafts {
        let find = |name: &Name| reader.catalog.domains.iter().position(|domain| domain.name == *name);
        let Some(index) = find(&draft.name) else { continue };
        let under = draft.base.as_ref().and_then(find);
        let inherited =
            under.and_then(|under| reader.catalog.domains.get(under)).and_then(|under| under.default.clone());
        let Some(domain) = reader.catalog.domains.get(index) else { continue };
        let (ty, modifier) = (domain.ty.clone(), domain.modifier);

        let default = draft.statement.default.as_ref().map(|default| {
            let want = Some((&ty, modifier));
            let resolver = reader.resolver(default.place);
            at(reader, default.place, resolver.row_expr("", &[], &default.ast, want, "DEFAULT expression"))
        });
        let default = default.and_then(|default| reader.keep(default)).or(inherited);

        let value = [column("value", ty, modifier)];
        let mut checks = Vec::new();
        for (name, check) in &draft.checks {
            let want = Some((&Type::Bool, Modifier::None));
            let resolver = reader.resolver(check.place);
            let condition = resolver.row_expr("", &value, &check.ast, want, "check constraint");
            let condition = at(reader, check.place, condition);
            if let Some(condition) = reader.keep(condition) {
                checks.push(Check { name: name.clone(), condition, domain: Some(draft.name.clone()) });
            }
        }
        if let Some(domain) = reader.catalog.domains.get_mut(index) {
            domain.default = default;
            domain.checks = checks;
        }
    }
}

/// A column with nothing but a name and a type.
pub(super) fn column(name: &str, ty: Type, modifier: Modifier) -> Column {
    Column {
        declared: None,
        name: name.to_owned(),
        ty,
        modifier,
        domain: None,
        nullable: true,
        default: None,
        identity: None,
        generated: None,
        comment: None,
    }
}

/// A type's meaning: the type, its modifier, and the domain that it was named by.
pub(super) fn data_type(
    reader: &Reader<'_>,
    name: &TypeName,
) -> Result<(Type, Modifier, Option<Name>), Diagnostic> {
    let resolver = reader.resolver(name.place);
    at(reader, name.place, resolver.data_type(&name.ast))
}

/// The type of a parameter or of a result. A domain's checks would not be made there, so it must not have any.
pub(super) fn value_type(reader: &Reader<'_>, name: &TypeName) -> Result<Type, Diagnostic> {
    if let Some(relation) = row_type(reader, name) {
        return Ok(Type::Row(reader.catalog.relation(relation).name.to_string().into()));
    }
    let (ty, _, domain) = data_type(reader, name)?;
    if let Some(domain) = domain.filter(|domain| reader.constrained_domains.contains(domain)) {
        return Err(reader.error_with_hint(
            name.place,
            format!("the domain \"{}\" cannot be the type of a parameter or result", domain.name),
            format!("its constraints are checked for columns only: write {ty}"),
        ));
    }
    Ok(ty)
}

/// The relation whose rows the type stands for, if it names one (and not a type of the same name).
pub(super) fn row_type(reader: &Reader<'_>, name: &TypeName) -> Option<RelationId> {
    let name = custom_name(name)?;
    if reader.look_up(&name, |name| reader.type_places.get(name).copied()).is_some() {
        return None;
    }
    reader.look_up(&name, |name| reader.catalog.relation_by_name.get(name).copied())
}

/// The name of a type that is not one of the language's own.
fn custom_name(name: &TypeName) -> Option<Qualified> {
    let ast::DataType::Custom(object, modifiers) = &name.ast else { return None };
    if !modifiers.is_empty() {
        return None;
    }
    let words: Option<Vec<Word>> = object
        .0
        .iter()
        .map(|part| {
            let ident = part.as_ident()?;
            let text = match ident.quote_style {
                Some(_) => ident.value.clone(),
                None => ident.value.to_ascii_lowercase(),
            };
            Some(Word { text, place: name.place })
        })
        .collect();
    let mut words = words?.into_iter();
    match (words.next(), words.next(), words.next()) {
        (Some(name), None, None) => Some(Qualified { schema: None, name }),
        (Some(schema), Some(name), None) => Some(Qualified { schema: Some(schema), name }),
        _ => None,
    }
}
