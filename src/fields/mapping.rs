//! Reads values into types, structs from mappings alone, and knows where in a value an error is.
//!
//! serde also reads a struct from a list, by position: `spec: [false]` would be `enabled: false`. And
//! its errors have no place, without which nobody finds a mistake in a long functionConfig.

use std::cell::RefCell;
use std::vec;

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Error, Value, map};

/// One step into a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    /// The member of a mapping with this name.
    Field(String),
    /// The item of a list with this index, from 0.
    Index(usize),
}

/// The position of something in a value: fields and indices from the root.
pub(super) type FieldPath = Vec<Segment>;

/// Parses a value into a type.
///
/// # Errors
/// serde's error, and where it is: the position of an unknown field, the mapping that lacks a field,
/// or the value that does not fit.
pub(super) fn parse<T: DeserializeOwned>(value: Value) -> Result<T, (FieldPath, Error)> {
    let place = RefCell::default();
    let input = Input {
        value,
        place: &place,
    };
    let read = T::deserialize(input);
    read.map_err(|error| (place.take(), error))
}

/// A value to read.
struct Input<'p> {
    value: Value,
    place: &'p RefCell<FieldPath>,
}

impl<'de> Deserializer<'de> for Input<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Array(items) => {
                let count = items.len();
                let mut items = Items {
                    items: items.into_iter().enumerate(),
                    steps: Steps::from(self.place),
                };
                let read = visitor.visit_seq(&mut items)?;
                match items.items.len() {
                    0 => Ok(read),
                    _ => Err(Error::invalid_length(count, &"fewer items")),
                }
            }
            Value::Object(members) => visitor.visit_map(Members {
                members: members.into_iter(),
                next: None,
                steps: Steps::from(self.place),
            }),
            scalar => scalar.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if self.value.is_array() {
            return Err(Error::invalid_type(Unexpected::Seq, &visitor));
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.value.deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

/// The steps from a collection to its members. The last one stays after an error.
struct Steps<'p> {
    place: &'p RefCell<FieldPath>,
    /// The number of steps to the collection itself.
    depth: usize,
}

impl<'p> From<&'p RefCell<FieldPath>> for Steps<'p> {
    fn from(place: &'p RefCell<FieldPath>) -> Self {
        let depth = place.borrow().len();
        Self { place, depth }
    }
}

impl<'p> Steps<'p> {
    /// Goes to a member, or back to the collection.
    fn step(&self, to: Option<Segment>) {
        let mut place = self.place.borrow_mut();
        place.truncate(self.depth);
        place.extend(to);
    }

    fn input(&self, value: Value) -> Input<'p> {
        let place = self.place;
        Input { value, place }
    }
}

struct Items<'p> {
    items: std::iter::Enumerate<vec::IntoIter<Value>>,
    steps: Steps<'p>,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        let Some((index, item)) = self.items.next() else {
            self.steps.step(None);
            return Ok(None);
        };
        self.steps.step(Some(Segment::Index(index)));
        seed.deserialize(self.steps.input(item)).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Members<'p> {
    members: map::IntoIter,
    /// The value of the key that has been read.
    next: Option<Value>,
    steps: Steps<'p>,
}

impl<'de> MapAccess<'de> for Members<'_> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        let Some((key, value)) = self.members.next() else {
            self.steps.step(None);
            return Ok(None);
        };
        self.steps.step(Some(Segment::Field(key.clone())));
        self.next = Some(value);
        seed.deserialize(key.into_deserializer()).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let value = self.next.take().unwrap_or_default();
        seed.deserialize(self.steps.input(value))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.members.len())
    }
}
