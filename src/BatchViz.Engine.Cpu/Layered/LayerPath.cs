using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Layered;

/// <summary>The layers of one network, or of one tower, in the order in which they are gone through.</summary>
internal sealed unsafe class LayerPath
{
    private readonly KernelTable kernels;
    private readonly WeightLayout layout;
    private readonly bool examples;
    private readonly List<Tensor> tensors = [];
    private readonly List<LayerOp> ops = [];
    private readonly HashSet<Tensor> shared = [];
    private readonly int firstNumber;

    /// <param name="firstNumber">Dropout layers of the towers before count on.</param>
    /// <param name="examples">Whether rows have gradients of their own: not where they see one another.</param>
    public LayerPath(KernelTable kernels, WeightLayout layout, NetworkSpec network, int tower, int firstNumber, bool examples)
    {
        (this.kernels, this.layout, this.firstNumber) = (kernels, layout, firstNumber);
        this.examples = examples;
        var nodes = network.Graph.Towers[tower];
        var shape = network.Graph.Input;
        // Planes are a vector already.
        if (nodes.Count > 0 && nodes[0].Spec.Kind == LayerKind.Flatten)
            shape = new TensorShape((int)shape.Size);
        Input = Add(new Tensor(shape, false, planar: shape.Pixels > 1));
        shared.Add(Input);
        var at = Input;
        if (Input.Planar && nodes.Count > 0 && nodes[0].Spec.Kind != LayerKind.Conv2d)
        {
            at = Add(new Tensor(shape, false));
            ops.Add(new FlattenOp(kernels, Input, at));
        }
        Output = Build(nodes, at);
        var written = new HashSet<Tensor>();
        foreach (var op in Enumerable.Reverse(ops))
        {
            if (!ReferenceEquals(op.Input, op.Output))
                op.Adds = !written.Add(op.Input);
            if (op is AddOp add)
                add.AddsShortcut = !written.Add(add.Shortcut);
        }
    }

    public Tensor Input { get; }

    public Tensor Output { get; }

    public IReadOnlyList<LayerOp> Ops => ops;

    public int Dropouts => ops.Count(op => op is DropoutOp);

    /// <summary>Floats that a row takes, about, with its gradients.</summary>
    public long RowFloats => tensors.Sum(tensor => tensor.Floats * (tensor.NeedsGradient ? 2 : 1));

    public void Reserve(Arena arena, int rows, Uses uses)
    {
        foreach (var tensor in tensors)
            tensor.Reserve(arena, rows, uses);
        foreach (var op in ops)
            op.Reserve(arena, rows, uses);
    }

    public void Take(Arena arena, Uses uses)
    {
        foreach (var tensor in tensors)
            tensor.Take(arena, uses);
        foreach (var op in ops)
            op.Take(arena);
    }

    public void Prepare(LayerState state, bool backward)
    {
        foreach (var op in ops)
            op.Prepare(state, backward);
    }

    public void PrepareTangent(LayerState state)
    {
        foreach (var op in ops)
            op.PrepareTangent(state);
    }

    public void Forward(LayerState state, int rows)
    {
        foreach (var op in ops)
            op.Forward(state, rows);
    }

    public void Backward(LayerState state, int rows)
    {
        for (int i = ops.Count - 1; i >= 0; i--)
            ops[i].Backward(state, rows);
    }

    public void ForwardTangent(LayerState state, int rows)
    {
        foreach (var op in ops)
            op.ForwardTangent(state, rows);
    }

    public void BackwardTangent(LayerState state, int rows)
    {
        for (int i = ops.Count - 1; i >= 0; i--)
            ops[i].BackwardTangent(state, rows);
    }

    public void Commit(LayerState state)
    {
        foreach (var op in ops)
            op.Commit(state);
    }

    private Tensor Add(Tensor tensor)
    {
        tensors.Add(tensor);
        return tensor;
    }

    private Tensor Build(IReadOnlyList<LayerNode> nodes, Tensor at)
    {
        var order = PoolsFirst(nodes);
        for (int i = 0; i < order.Count; i++)
        {
            var node = order[i];
            if (i + 1 < order.Count && PooledConvOp.Takes(node.Spec, order[i + 1].Spec))
            {
                var pool = order[++i];
                var output = Add(new Tensor(pool.Output, true));
                ops.Add(new PooledConvOp(kernels, node.Spec, layout.Layers[node.Weights], pool.Spec, node.Output, at, output));
                at = output;
            }
            else
            {
                at = Build(node, at);
            }
        }
        return at;
    }

    /// <summary>The largest of what ReLU gives is what ReLU gives of the largest, to the same bits, and there is less of it.</summary>
    private static List<LayerNode> PoolsFirst(IReadOnlyList<LayerNode> nodes)
    {
        var order = nodes.ToList();
        for (int i = 0; i + 1 < order.Count; i++)
        {
            if (order[i].Spec is { Kind: LayerKind.Activation, Function: Activation.Relu } && order[i + 1].Spec.Kind == LayerKind.MaxPool)
                (order[i], order[i + 1]) = (order[i + 1], order[i] with { Input = order[i + 1].Output, Output = order[i + 1].Output });
        }
        return order;
    }

    private Tensor Build(LayerNode node, Tensor at)
    {
        var spec = node.Spec;
        switch (spec.Kind)
        {
            case LayerKind.Residual:
                // Two layers read it, so neither may change it.
                shared.Add(at);
                Tensor way = Build(node.Inner, at),
                    own = Build(node.Projection, at);
                var sum = Add(new Tensor(node.Output, way.NeedsGradient || own.NeedsGradient));
                ops.Add(new AddOp(kernels, way, own, sum));
                return sum;
            case LayerKind.Flatten when at.Pixels == 1:
                return at;
            case LayerKind.Activation when spec.Function == Activation.Linear:
                return at;
            case LayerKind.Activation:
                // An activation's slope follows from its outputs, so another must not stand in their place; nor may it in what dropout
                // gave.
                var free = !shared.Contains(at) && ops.Count > 0 && ops[^1] is not ActivationOp && ReferenceEquals(ops[^1].Output, at);
                var activated = free ? at : Add(new Tensor(node.Output, at.NeedsGradient));
                ops.Add(new ActivationOp(kernels, spec.Function, at, activated));
                return activated;
        }
        var output = Add(new Tensor(node.Output, at.NeedsGradient || node.Weights >= 0));
        ops.Add(
            spec.Kind switch
            {
                LayerKind.Conv2d or LayerKind.Dense => new ConvOp(kernels, spec, layout.Layers[node.Weights], at, output, examples),
                LayerKind.MaxPool or LayerKind.AvgPool => new PoolOp(kernels, spec, at, output),
                LayerKind.Flatten => new FlattenOp(kernels, at, output),
                LayerKind.BatchNorm => new BatchNormOp(
                    kernels,
                    spec,
                    layout.Layers[node.Weights],
                    layout.Norms[NormIndex(node.Statistics)],
                    at,
                    output
                ),
                LayerKind.GroupNorm or LayerKind.LayerNorm => new GroupNormOp(kernels, spec, layout.Layers[node.Weights], at, output),
                LayerKind.Dropout => new DropoutOp(kernels, spec.Rate, firstNumber + Dropouts, at, output),
                _ => throw new ArgumentOutOfRangeException(nameof(node), spec.Kind, "unknown layer"),
            }
        );
        return output;
    }

    /// <summary>Which norm's running statistics begin at this number of the plain ones.</summary>
    private int NormIndex(int statistics)
    {
        int norm = 0;
        for (int at = 0; at < statistics; at += 2 * layout.Norms[norm++].Channels) { }
        return norm;
    }
}
