using BatchViz.Core.Specs;

namespace BatchViz.Engine.Cpu.Tiny;

/// <summary>
/// A network whose layers, inputs and outputs are at most <see cref="WeightLayout.Lanes"/> wide, and the workspace for one register's
/// worth of copies of it ("lanes"): of one net with as many examples, or of as many nets with an example each. A value of unit u is a
/// whole register, at u·Width floats from its layer's start.
/// </summary>
internal unsafe struct TinyPlan
{
    public int Layers;
    public bool Bias;
    public Activation Hidden,
        Last;
    public LossKind Loss;

    /// <summary>Widths [Layers + 1], inputs first.</summary>
    public int* Sizes;

    /// <summary>[inputs registers].</summary>
    public float* Features;

    /// <summary>Activations [Layers + 1][16 registers]; layer 0 is not used.</summary>
    public float* Outputs;

    /// <summary>σ'(z) where the activation is GELU, and ∂loss/∂z, both [Layers + 1][16 registers]; layer 0 is not used.</summary>
    public float* Slopes,
        Deltas;

    /// <summary>Class of each lane's example as a float, ±1 of it, and the target values [16 registers].</summary>
    public float* Labels,
        Signs,
        Targets;

    /// <summary>[16 registers].</summary>
    public float* Scratch;

    public readonly Activation ActivationOf(int layer) => layer == Layers - 1 ? Last : Hidden;
}
