namespace BatchViz.Core.Specs;

public enum OptimizerKind
{
    Sgd,
    Momentum,
    Nesterov,
    Adam,
    AdaGrad,
    AdaDelta,
    RmsProp,
    AdamW,
    Lars,
    Lbfgs,
    ConjugateGradient,
}

/// <summary>How long a step along a direction is; each looks at the update's own batch alone.</summary>
public enum LineSearch
{
    /// <summary>η; L-BFGS without pairs: η·min(1, 1/‖g‖₁), as PyTorch's first step.</summary>
    None,

    /// <summary>Halved until the loss is low enough (Armijo; Nocedal and Wright 2006, algorithm 3.1), by forward passes alone.</summary>
    Backtracking,

    /// <summary>Until the slope has flattened too (strong Wolfe; algorithms 3.5 and 3.6, as PyTorch's strong_wolfe).</summary>
    StrongWolfe,
}

/// <summary>
/// PyTorch's conventions (torch.optim), which are also its defaults. With g' = g + λ w:
/// momentum v ← μ v + g', w ← w − η v; Nesterov w ← w − η (g' + μ v);
/// Adam (Kingma and Ba 2015) with bias correction, ε added to the root;
/// AdaGrad (Duchi et al. 2011) s ← s + g'², w ← w − η g' / (√s + ε);
/// AdaDelta (Zeiler 2012) s ← ρ s + (1 − ρ) g'², d = g' √(u + ε) / √(s + ε), u ← ρ u + (1 − ρ) d², w ← w − η d;
/// RMSprop (Tieleman and Hinton 2012), not centred, without momentum: s ← ρ s + (1 − ρ) g'², w ← w − η g' / (√s + ε);
/// AdamW (Loshchilov and Hutter 2019): w ← w (1 − η λ), then Adam's step from g alone;
/// LARS (You et al. 2017, arXiv:1708.03888, algorithm 1), layer by layer, a layer's biases with its weights: r = τ ‖w‖ / (‖g‖ + λ ‖w‖),
/// and 1 where ‖w‖ or ‖g‖ is 0; v ← μ v + η r g', w ← w − v; L-BFGS (Nocedal and Wright 2006, algorithms 7.4 and 7.5) and nonlinear
/// conjugate gradients (Polak-Ribière+, 5.45): docs/optimisers.md.
/// </summary>
public sealed record OptimizerSpec
{
    private readonly double? rho,
        epsilon,
        weightDecay;
    private readonly LineSearch? lineSearch;

    public OptimizerKind Kind { get; init; } = OptimizerKind.Sgd;
    public double Momentum { get; init; } = 0.9;

    /// <summary>τ: LARS's trust coefficient.</summary>
    public double Trust { get; init; } = 0.001;
    public double Beta1 { get; init; } = 0.9;
    public double Beta2 { get; init; } = 0.999;

    /// <summary>ρ: decay of AdaDelta's and RMSprop's mean squares (PyTorch calls RMSprop's α); by default 0.9 and 0.99.</summary>
    public double Rho
    {
        get => rho ?? (Kind == OptimizerKind.AdaDelta ? 0.9 : 0.99);
        init => rho = value;
    }

    /// <summary>m: curvature pairs that L-BFGS keeps.</summary>
    public int Memory { get; init; } = 10;

    /// <summary>L-BFGS and conjugate gradients; by default strong Wolfe.</summary>
    public LineSearch LineSearch
    {
        get => lineSearch ?? LineSearch.StrongWolfe;
        init => lineSearch = value;
    }

    /// <summary>Most step lengths that one line search tries.</summary>
    public int Trials { get; init; } = 25;

    /// <summary>
    /// ε: by default 1e-10 for AdaGrad, 1e-6 for AdaDelta, 1e-8 for the others. L-BFGS: a pair with sᵀy ≤ ε‖s‖² is left out.
    /// </summary>
    public double Epsilon
    {
        get =>
            epsilon
            ?? Kind switch
            {
                OptimizerKind.AdaGrad => 1e-10,
                OptimizerKind.AdaDelta => 1e-6,
                _ => 1e-8,
            };
        init => epsilon = value;
    }

    /// <summary>
    /// λ of L2 regularisation: g ← g + λ w, weights and biases alike; AdamW's decay is apart from the gradient. By default 0.01 for
    /// AdamW, 0 for the others. It is no part of the reported loss.
    /// </summary>
    public double WeightDecay
    {
        get => weightDecay ?? (Kind == OptimizerKind.AdamW ? 0.01 : 0);
        init => weightDecay = value;
    }

    /// <summary>
    /// Another kind with its own defaults, but for an L2 decay, which stays: it belongs to what is minimised, not to how.
    /// </summary>
    public OptimizerSpec Become(OptimizerKind kind) =>
        kind == Kind ? this
        : Kind == OptimizerKind.AdamW || kind == OptimizerKind.AdamW ? new() { Kind = kind }
        : new() { Kind = kind, WeightDecay = WeightDecay };

    /// <summary>
    /// Vectors as long as the weights that are kept from one update to the next: v; s; s and u; Adam's m and v; L-BFGS's pairs s and y; or
    /// conjugate gradients' last direction and y.
    /// </summary>
    public int StateVectors =>
        Kind switch
        {
            OptimizerKind.Sgd => 0,
            OptimizerKind.Adam or OptimizerKind.AdamW or OptimizerKind.AdaDelta or OptimizerKind.ConjugateGradient => 2,
            OptimizerKind.Lbfgs => 2 * Memory,
            _ => 1,
        };

    public bool HasMomentum => Kind is OptimizerKind.Momentum or OptimizerKind.Nesterov or OptimizerKind.Lars;

    public bool HasTrust => Kind == OptimizerKind.Lars;

    /// <summary>
    /// Whether a weight's step depends on that weight alone, its gradient and its state; else the whole gradient comes first.
    /// </summary>
    public bool WeightByWeight => !HasTrust && !UsesLineSearch;

    /// <summary>Whether an update goes along a direction and looks at its batch more than once.</summary>
    public bool UsesLineSearch => Kind is OptimizerKind.Lbfgs or OptimizerKind.ConjugateGradient;

    public bool HasMemory => Kind == OptimizerKind.Lbfgs;

    public bool HasTrials => UsesLineSearch && LineSearch != LineSearch.None;

    public bool HasBetas => Kind is OptimizerKind.Adam or OptimizerKind.AdamW;

    public bool HasRho => Kind is OptimizerKind.AdaDelta or OptimizerKind.RmsProp;

    public bool HasEpsilon => !(Kind is OptimizerKind.Sgd or OptimizerKind.ConjugateGradient || HasMomentum);
}
