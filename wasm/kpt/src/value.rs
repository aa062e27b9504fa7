//! JavaScript values as they cross the interface: numbers as they are, everything else as a NaN
//! that identifies an object of the host.

/// The upper half of the NaNs.
const NAN: u64 = 0x7FF8_0000 << 32;

const OBJECT: u64 = 1 << 32;
const FUNCTION: u64 = 4 << 32;
const KINDS: u64 = 7 << 32;

/// A value on either side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Value(u64);

impl Value {
    /// The object with the global names as properties.
    pub(crate) const GLOBAL: Self = Self(NAN | OBJECT | 5);
    /// The object that represents the module.
    pub(crate) const GO: Self = Self(NAN | OBJECT | 6);

    const ZERO: Self = Self(NAN | 1);

    /// Decodes a value from a memory word.
    pub(crate) fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Encodes a value as a memory word.
    pub(crate) fn to_bits(self) -> u64 {
        self.0
    }

    /// A number. Zero has a special encoding, as its bits mean undefined.
    pub(crate) const fn number(number: u32) -> Self {
        if number == 0 {
            Self::ZERO
        } else {
            Self((number as f64).to_bits())
        }
    }

    /// True for something that can be called.
    pub(crate) fn is_function(self) -> bool {
        self.0 & (NAN | KINDS) == NAN | FUNCTION
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_themselves_and_zero_is_not_undefined() {
        assert_eq!(f64::from_bits(Value::number(2).to_bits()), 2.0);
        assert_eq!(Value::number(0).to_bits(), 0x7FF8_0000_0000_0001);
        assert_ne!(Value::number(0), Value::from_bits(0));
    }

    #[test]
    fn what_the_host_keeps_is_no_number() {
        for value in [Value::GLOBAL, Value::GO, Value::number(0)] {
            assert!(f64::from_bits(value.to_bits()).is_nan(), "{value:?}");
        }
        assert_eq!(Value::GLOBAL.to_bits(), 0x7FF8_0001_0000_0005);
        assert_eq!(Value::GO.to_bits(), 0x7FF8_0001_0000_0006);
    }

    #[test]
    fn functions_are_told_from_all_else() {
        assert!(Value::from_bits(0x7FF8_0004_0000_000B).is_function());
        let others = [
            Value::from_bits(0),
            Value::GLOBAL,
            Value::number(0),
            Value::number(4),
            Value::from_bits(0x7FF8_0000_0000_0002),
            Value::from_bits(0x7FF8_0002_0000_000B),
        ];
        for value in others {
            assert!(!value.is_function(), "{value:?}");
        }
    }
}
