using BatchViz.Core.Data;
using BatchViz.Core.Engines;

namespace BatchViz.Engine.Cpu.Probes;

/// <summary>
/// The mean loss over an evaluation set as a function of the weights, with its first and second derivatives. Vectors are padded
/// like the weights. <see cref="Choose"/> a set first; then any number of questions at any weights.
/// </summary>
internal abstract unsafe class Objective : IDisposable
{
    /// <summary>Examples of the chosen set.</summary>
    public int Examples { get; private set; }

    protected EvaluationSet Set { get; private set; } = EvaluationSet.All(Split.Train);

    protected DataSplit Source { get; private set; } = null!;

    /// <summary>Goes to a set; nothing happens when it is the one before.</summary>
    public void Choose(DataSet data, EvaluationSet set)
    {
        if (Source is not null && Set == set)
            return;
        var split = data.Of(set.Split);
        int examples = set.Indices?.Length ?? split.Count;
        if (examples == 0)
            throw new ArgumentException("the evaluation set is empty", nameof(set));
        (Set, Source, Examples) = (set, split, examples);
        SetChanged();
    }

    /// <summary>
    /// The running statistics that all weights asked about from now on are evaluated with [statistics floats]; models without any do not
    /// look.
    /// </summary>
    public virtual void UseStatistics(float* running) { }

    /// <summary>Mean loss.</summary>
    public abstract double Loss(float* weights, CancellationToken cancel);

    /// <summary>
    /// Mean loss, and its gradient into <paramref name="gradient"/>, unless that is null. Hessian products after it are at these weights.
    /// </summary>
    /// <param name="curvature">Such products will follow, and what they need is to be kept.</param>
    public abstract double Linearise(float* weights, float* gradient, bool curvature, CancellationToken cancel);

    /// <summary>
    /// Hessian times <paramref name="v"/> into <paramref name="product"/>, at the weights of the last <see cref="Linearise"/>.
    /// </summary>
    public abstract void HessianProduct(float* v, float* product, CancellationToken cancel);

    /// <summary>
    /// As <see cref="Linearise"/>, and writes ‖gᵢ‖² of each example to <paramref name="squares"/> [<see cref="Examples"/>].
    /// </summary>
    public abstract double ExampleGradients(float* weights, float* gradient, double[] squares, CancellationToken cancel);

    /// <summary>Mean loss, and ⟨gᵢ, d⟩ of each example's gradient with two vectors, [<see cref="Examples"/>] each.</summary>
    public abstract double ExampleSlopes(float* weights, float* d1, float* d2, double[] along1, double[] along2, CancellationToken cancel);

    /// <summary>Mean of ⟨∂ℓ/∂f, f⟩² over the examples, f a network's outputs.</summary>
    public abstract double MeanSquareOutputSlope(float* weights, CancellationToken cancel);

    public abstract void Dispose();

    /// <summary>Forgets what was kept of the set before.</summary>
    protected abstract void SetChanged();

    protected int Example(int place) => Set.Indices?[place] ?? place;
}
