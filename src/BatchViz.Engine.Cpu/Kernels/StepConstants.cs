using BatchViz.Core.Specs;

namespace BatchViz.Engine.Cpu.Kernels;

/// <summary>What one update's step of an optimiser is made with; which of them count, the optimiser's kind decides.</summary>
internal struct StepConstants
{
    public OptimizerKind Kind;

    /// <summary>g' = Weight·g + Decay·w.</summary>
    public float Weight,
        Decay;

    /// <summary>η; for Adam and AdamW η / (1 − β₁ᵗ).</summary>
    public float Rate;

    /// <summary>AdamW: η·λ, the share of a weight that is taken off.</summary>
    public float Shrink;

    /// <summary>Adam and AdamW: 1 / √(1 − β₂ᵗ).</summary>
    public float Root;

    /// <summary>μ; or β₁, and 1 − β₁.</summary>
    public float Decay1,
        OneMinusDecay1;

    /// <summary>β₂ or ρ, and 1 − it.</summary>
    public float Decay2,
        OneMinusDecay2;

    public float Epsilon;
}
