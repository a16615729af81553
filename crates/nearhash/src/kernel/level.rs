//! Which instruction sets there are, and what they are called.

#[cfg(target_arch = "aarch64")]
use std::arch::is_aarch64_feature_detected;

use super::Kernels;

/// Instruction sets, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// What every CPU of the architecture has.
    Portable,
    /// AVX2, FMA, F16C and the bit counts that came with them (x86-64-v3).
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512 F, DQ, BW and VL.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// And VNNI.
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
    /// NEON, by hand: every aarch64 CPU has it.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// And dot products of bytes (FEAT_DotProd).
    #[cfg(target_arch = "aarch64")]
    NeonDot,
}

impl Level {
    pub(super) const ALL: &[Self] = &[
        Self::Portable,
        #[cfg(target_arch = "x86_64")]
        Self::Avx2,
        #[cfg(target_arch = "x86_64")]
        Self::Avx512,
        #[cfg(target_arch = "x86_64")]
        Self::Avx512Vnni,
        #[cfg(target_arch = "aarch64")]
        Self::Neon,
        #[cfg(target_arch = "aarch64")]
        Self::NeonDot,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => "avx512vnni",
            #[cfg(target_arch = "aarch64")]
            Self::Neon => "neon",
            #[cfg(target_arch = "aarch64")]
            Self::NeonDot => "neondot",
        }
    }

    pub(super) fn available(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => {
                is_x86_feature_detected!("avx2")
                    && is_x86_feature_detected!("fma")
                    && is_x86_feature_detected!("f16c")
                    && is_x86_feature_detected!("bmi1")
                    && is_x86_feature_detected!("bmi2")
                    && is_x86_feature_detected!("lzcnt")
                    && is_x86_feature_detected!("popcnt")
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                Self::Avx2.available()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vl")
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => Self::Avx512.available() && is_x86_feature_detected!("avx512vnni"),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => is_aarch64_feature_detected!("neon"),
            #[cfg(target_arch = "aarch64")]
            Self::NeonDot => Self::Neon.available() && is_aarch64_feature_detected!("dotprod"),
        }
    }
}

/// Name of the instruction set in use: `"avx512vnni"`, `"avx512"`, `"avx2"` or `"portable"` on
/// x86-64, `"neondot"`, `"neon"` or `"portable"` on aarch64, `"portable"` elsewhere.
///
/// It is the best that the CPU has. The environment variable `NEARHASH_CPU` may name a lesser one;
/// a better one than the CPU has, or an unknown name, changes nothing. Answers are the same.
pub fn level() -> &'static str {
    Kernels::get().level.name()
}
