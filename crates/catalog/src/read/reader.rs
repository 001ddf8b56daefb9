//! What every step of reading shares: the catalog as far as it is built, the errors so far, and how names are looked up.

use std::collections::{HashMap, HashSet};

use super::syntax::{Place, Qualified, Word};
use super::tables::TableDraft;
use super::views::ViewDraft;
use crate::names::suggest;
use crate::resolve::Resolver;
use crate::{
    Catalog, Diagnostic, Grants, Location, Name, Relation, RelationId, RelationKind, SourceFile, Table, View,
    Writable,
};

/// The state of reading.
pub(super) struct Reader<'a> {
    files: &'a [SourceFile],
    pub search_path: &'a [String],
    pub catalog: Catalog,
    errors: Vec<Diagnostic>,
    /// Where each table, view and index was created, keys' indexes included: they share their names
    pub relation_places: HashMap<Name, Place>,
    /// Where each enumeration and domain was created
    pub type_places: HashMap<Name, Place>,
    /// Domains with checks or `not null`, their bases' included
    pub constrained_domains: HashSet<Name>,
    /// The columns of unique indexes over whole tables
    pub unique_indexes: Vec<(RelationId, Vec<usize>)>,
    /// The number of the statement that created each relation, by id
    pub relation_created: Vec<usize>,
    /// The number of the statement that created each function, by id
    pub function_created: Vec<usize>,
    /// Where each function was created, by id
    pub function_places: Vec<Place>,
    /// Views that could not be built: what reads them is not looked at, its errors would say nothing new
    pub broken_views: HashSet<Name>,
}

impl<'a> Reader<'a> {
    pub fn new(files: &'a [SourceFile], search_path: &'a [String]) -> Reader<'a> {
        Reader {
            files,
            search_path,
            catalog: Catalog::default(),
            errors: Vec::new(),
            relation_places: HashMap::new(),
            type_places: HashMap::new(),
            constrained_domains: HashSet::new(),
            unique_indexes: Vec::new(),
            relation_created: Vec::new(),
            function_created: Vec::new(),
            function_places: Vec::new(),
            broken_views: HashSet::new(),
        }
    }

    pub fn into_catalog(self) -> Catalog {
        self.catalog
    }

    // Errors

    pub fn path(&self, place: Place) -> &'a str {
        self.files.get(place.file).map_or("", |file| file.path.as_str())
    }

    pub fn error(&self, place: Place, message: impl Into<String>) -> Diagnostic {
        let location = Location { path: self.path(place).to_owned(), line: place.line, column: place.column };
        Diagnostic { location, message: message.into(), hint: None }
    }

    pub fn error_with_hint(
        &self,
        place: Place,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Diagnostic {
        Diagnostic { hint: Some(hint.into()), ..self.error(place, message) }
    }

    /// Something made for the second time.
    pub fn duplicate(&self, place: Place, message: impl Into<String>, first: Place) -> Diagnostic {
        self.error_with_hint(
            place,
            message,
            format!("it is first made at {}:{}", self.path(first), first.line),
        )
    }

    pub fn report(&mut self, place: Place, message: impl Into<String>) {
        let error = self.error(place, message);
        self.errors.push(error);
    }

    /// Collects the error, if it is one.
    pub fn keep<T>(&mut self, result: Result<T, Diagnostic>) -> Option<T> {
        result.map_err(|error| self.errors.push(error)).ok()
    }

    /// All errors so far, in the order of files and positions.
    pub fn checkpoint(&mut self) -> Result<(), Vec<Diagnostic>> {
        if self.errors.is_empty() {
            return Ok(());
        }
        let order: HashMap<&str, usize> =
            self.files.iter().enumerate().map(|(number, file)| (file.path.as_str(), number)).collect();
        let mut errors = std::mem::take(&mut self.errors);
        errors.sort_by_key(|error| {
            let file = order.get(error.location.path.as_str()).copied().unwrap_or(usize::MAX);
            (file, error.location.line, error.location.column)
        });
        errors.dedup();
        Err(errors)
    }

    // Names

    /// The name of something new: with its schema, which exists.
    pub fn new_name(&self, name: &Qualified) -> Result<Name, Diagnostic> {
        let schema = match &name.schema {
            Some(schema) => {
                self.check_schema(schema)?;
                schema.text.clone()
            }
            None => self.search_path.first().cloned().unwrap_or_else(|| "public".to_owned()),
        };
        Ok(Name { schema, name: name.name.text.clone() })
    }

    pub fn check_schema(&self, schema: &Word) -> Result<(), Diagnostic> {
        let known = || self.catalog.schemas.iter().map(|known| known.name.as_str());
        if known().any(|known| known == schema.text) {
            return Ok(());
        }
        let hint =
            suggest(&schema.text, known()).unwrap_or_else(|| format!("write create schema {}", schema.text));
        Err(self.error_with_hint(schema.place, format!("schema \"{}\" does not exist", schema.text), hint))
    }

    /// Looks for a name in its schema, or along the search path.
    pub fn look_up<T>(&self, name: &Qualified, find: impl Fn(&Name) -> Option<T>) -> Option<T> {
        let in_schema = |schema: &str| find(&Name::new(schema, name.name.text.as_str()));
        match &name.schema {
            Some(schema) => in_schema(&schema.text),
            None => self.search_path.iter().find_map(|schema| in_schema(schema)),
        }
    }

    pub fn relation_id(&self, name: &Qualified) -> Result<RelationId, Diagnostic> {
        if let Some(id) = self.look_up(name, |name| self.catalog.relation_by_name.get(name).copied()) {
            return Ok(id);
        }
        if let Some(schema) = &name.schema {
            self.check_schema(schema)?;
        }
        let known = self.catalog.relations.iter().map(|relation| relation.name.name.as_str());
        let hint = suggest(&name.name.text, known);
        Err(Diagnostic { hint, ..self.error(name.place(), format!("relation \"{name}\" does not exist")) })
    }

    /// The table of this name; a view is an error.
    pub fn table_id(&self, name: &Qualified) -> Result<RelationId, Diagnostic> {
        let id = self.relation_id(name)?;
        match self.catalog.relation(id).kind {
            RelationKind::Table(_) => Ok(id),
            RelationKind::View(_) => Err(self.error(name.place(), format!("\"{name}\" is not a table"))),
        }
    }

    pub fn column_index(&self, relation: RelationId, column: &Word) -> Result<usize, Diagnostic> {
        let relation = self.catalog.relation(relation);
        relation.column_index(&column.text).ok_or_else(|| {
            let kind = if relation.table().is_some() { "table" } else { "view" };
            let names = relation.columns.iter().map(|column| column.name.as_str());
            self.unknown_column(column, kind, &relation.name.name, names)
        })
    }

    pub fn unknown_column<'n>(
        &self,
        column: &Word,
        kind: &str,
        relation: &str,
        names: impl IntoIterator<Item = &'n str>,
    ) -> Diagnostic {
        let message = format!("column \"{}\" does not exist in {kind} \"{relation}\"", column.text);
        Diagnostic { hint: suggest(&column.text, names), ..self.error(column.place, message) }
    }

    /// The columns of these names; naming one twice is an error.
    pub fn column_indexes(
        &self,
        relation: RelationId,
        columns: &[Word],
        what: &str,
    ) -> Result<Vec<usize>, Diagnostic> {
        let mut found = Vec::with_capacity(columns.len());
        for column in columns {
            let index = self.column_index(relation, column)?;
            if found.contains(&index) {
                let message = format!("column \"{}\" appears twice in {what}", column.text);
                return Err(self.error(column.place, message));
            }
            found.push(index);
        }
        Ok(found)
    }

    pub fn check_role(&self, role: &Word) -> Result<(), Diagnostic> {
        if role.text == "public" || self.catalog.find_role(&role.text).is_some() {
            return Ok(());
        }
        let known = self.catalog.roles.iter().map(|role| role.name.as_str());
        let hint = suggest(&role.text, known).unwrap_or_else(|| format!("write create role {}", role.text));
        Err(self.error_with_hint(role.place, format!("role \"{}\" does not exist", role.text), hint))
    }

    // Building

    /// Resolves against the catalog as far as it is built, for text at this place.
    pub fn resolver(&self, place: Place) -> Resolver<'_> {
        self.resolver_in(place, self.search_path.to_vec())
    }

    pub fn resolver_in(&self, place: Place, search_path: Vec<String>) -> Resolver<'_> {
        Resolver { catalog: &self.catalog, search_path, path: self.path(place) }
    }

    /// Gives every table and view its id: by name, so that ids do not depend on how the schema is spread over files. Views have
    /// no columns yet.
    pub fn number_relations<'s>(&mut self, tables: &mut [TableDraft<'s>], views: &mut [ViewDraft<'s>]) {
        enum Draft<'d, 's> {
            Table(&'d mut TableDraft<'s>),
            View(&'d mut ViewDraft<'s>),
        }
        let mut drafts: Vec<(Name, usize, Draft<'_, '_>)> = Vec::with_capacity(tables.len() + views.len());
        drafts
            .extend(tables.iter_mut().map(|draft| (draft.name.clone(), draft.created, Draft::Table(draft))));
        drafts.extend(views.iter_mut().map(|draft| (draft.name.clone(), draft.created, Draft::View(draft))));
        drafts.sort_by(|a, b| a.0.cmp(&b.0));
        for (number, (name, created, draft)) in drafts.into_iter().enumerate() {
            // More relations than fit in the id do not fit in memory either.
            let id = RelationId(u32::try_from(number).unwrap_or(u32::MAX));
            let (columns, kind) = match draft {
                Draft::Table(draft) => {
                    draft.id = id;
                    let columns = draft.columns.iter().map(|column| column.column.clone()).collect();
                    (
                        columns,
                        RelationKind::Table(Table { row_security: draft.row_security, ..Table::default() }),
                    )
                }
                Draft::View(draft) => {
                    draft.id = id;
                    let view = View {
                        query: None,
                        security_invoker: draft.security_invoker,
                        materialized: draft.statement.materialized,
                        origins: Vec::new(),
                        writable: Writable::default(),
                    };
                    (Vec::new(), RelationKind::View(view))
                }
            };
            self.catalog.relation_by_name.insert(name.clone(), id);
            self.catalog.relations.push(Relation {
                id,
                name,
                columns,
                kind,
                grants: Grants::default(),
                comment: None,
            });
            self.relation_created.push(created);
        }
    }

    pub fn relation_mut(&mut self, id: RelationId) -> Option<&mut Relation> {
        self.catalog.relations.get_mut(id.0 as usize)
    }

    pub fn table_mut(&mut self, id: RelationId) -> Option<&mut Table> {
        match &mut self.relation_mut(id)?.kind {
            RelationKind::Table(table) => Some(table),
            RelationKind::View(_) => None,
        }
    }
}

/// The error, with a place if it has none yet.
pub(super) fn at<T>(
    reader: &Reader<'_>,
    place: Place,
    result: Result<T, Diagnostic>,
) -> Result<T, Diagnostic> {
    result.map_err(|error| match error.location.line {
        0 => Diagnostic { location: reader.error(place, "").location, ..error },
        _ => error,
    })
}
