using BatchViz.Api;
using BatchViz.Core.Engines;
using BatchViz.Core.Sampling;
using BatchViz.Core.Specs;
using BatchViz.Training;

namespace BatchViz.Live;

/// <summary>Describes an experiment to a page.</summary>
internal static class ManifestBuilder
{
    /// <param name="recording">Its place in the library, where it is on the air.</param>
    public static Manifest Build(
        Experiment experiment,
        uint generation,
        uint revision,
        Landscape? landscape,
        OpenRecording? recording = null,
        Ceilings? ceilings = null
    )
    {
        var plan = experiment.Plan;
        var data = plan.Data;
        return new Manifest
        {
            Generation = generation,
            Revision = revision,
            Name = plan.Spec.Name,
            Title = plan.Title,
            State = experiment.State,
            Spec = SpecWriter.Write(plan.Spec),
            Error = experiment.LandscapeFailure,
            Recording = Recording(experiment, recording),
            Engine = new(
                experiment.Engine.Name,
                experiment.Engine.Description,
                experiment.Engine.BitExact,
                SpecVocabulary.Of(SpecVocabulary.Precisions, experiment.Engine.Precision),
                experiment.EngineReason
            ),
            Data = new(data.Name, data.Train.Count, data.Test?.Count ?? 0, data.Inputs, data.Outputs, data.Task),
            Machine = ceilings is var (fma, memory) ? new(fma, memory, Environment.ProcessorCount) : null,
            Columns = Columns(experiment),
            Evaluation = new(experiment.EvaluationExamples, "train", plan.Network.Contrastive ? NetworkSpec.PairsCompared : null),
            Probes = [.. plan.Spec.Probes.Select(probe => SpecVocabulary.Of(SpecVocabulary.Probes, probe))],
            Budget = new(
                plan.Runs.Max(run => run.TotalUpdates is { } u ? run.Progress.ExamplesAfter(u) : (long?)null),
                plan.Runs.Max(run => run.TotalUpdates),
                plan.Spec.Budget.Epochs,
                plan.Spec.Budget.Seconds
            ),
            Remainder = SpecVocabulary.Of(SpecVocabulary.Remainders, plan.Spec.Sampler.Remainder),
            Pace = SpecVocabulary.Of(SpecVocabulary.Paces, plan.Spec.Pace),
            Runs = [.. experiment.Runs.Select(run => RunOf(run, plan))],
            Plane = landscape is null ? null : Plane(landscape, plan),
            Settled = experiment.Finished && experiment.LandscapeSettled,
            TwoModes = TwoModes(plan.Network) is { Count: > 0 } modes ? modes : null,
            Undefined = plan.Network.Separable
                ? null
                : [.. experiment.Runs[0].Log.Layout.Columns.Where(column => column.OfExamples).Select(column => column.Name)],
        };
    }

    /// <summary>Layers that do something else in training than in evaluating.</summary>
    private static List<string> TwoModes(NetworkSpec network)
    {
        var kinds = new List<string>();
        if (network is { Layered: true, Graph.HasBatchNorm: true })
            kinds.Add(SpecVocabulary.Of(SpecVocabulary.Layers, LayerKind.BatchNorm));
        if (network is { Layered: true, Graph.HasDropout: true })
            kinds.Add(SpecVocabulary.Of(SpecVocabulary.Layers, LayerKind.Dropout));
        return kinds;
    }

    private static Api.ColumnInfo[] Columns(Experiment experiment)
    {
        bool nats =
            experiment.Plan.Network.Loss is LossKind.CrossEntropy or LossKind.Logistic or LossKind.InfoNce or LossKind.SigmoidContrastive;
        return
        [
            .. experiment
                .Runs[0]
                .Log.Layout.Columns.Append(RecordLayout.Seconds)
                .Select(column => new Api.ColumnInfo(
                    column.Name,
                    column.English.Label,
                    column.Name == "loss" && nats ? "nat" : column.Unit,
                    column.English.Description,
                    new(column.Chinese.Label, column.Chinese.Description),
                    column.Live,
                    column.Deterministic,
                    column.OfExamples
                )),
        ];
    }

    private static RunInfo RunOf(Run run, ExperimentPlan plan) =>
        new()
        {
            Index = run.Plan.Index,
            Id = run.Plan.Id,
            BatchSize = run.Plan.BatchSize,
            Phases = run.Plan.Fork is null && run.Plan.Progress.Phases.Count == 1 ? null : Phases(run.Plan.Progress),
            Seed = run.Plan.Seed,
            LearningRate = run.Plan.LearningRate,
            TotalUpdates = run.Plan.TotalUpdates,
            Parameters = plan.Network.ParameterCount,
            Pool = plan.Spec.Sampler.Pool,
            FlopsPerExample = plan.BundleOf([run.Plan]).FlopsPerExample,
            BytesPerUpdate = plan.Network.TrainingBytes(run.Plan.BatchSize, run.Plan.Optimizer.StateVectors),
            Memory = new(run.Memory.Seeds, Bytes(run.Memory.Predicted), run.Memory.Reserved is { } reserved ? Bytes(reserved) : null),
            State = run.Log.State,
            Message = run.Log.Message,
            Updates = run.Log.Count,
            ForkUndone = run.ForkUndone,
            Fork = run.Plan.Fork is { } fork ? new(fork.Parent, fork.Update, fork.Set) : null,
        };

    private static MemoryBytes Bytes(MemoryAccount account) =>
        new(
            account.Weights,
            account.OptimizerState,
            account.Activations,
            account.Gradients,
            account.Batch,
            account.Workspace,
            account.Total
        );

    /// <summary>Null where nobody wanted it recorded.</summary>
    private static RecordingInfo? Recording(Experiment experiment, OpenRecording? recording)
    {
        if (recording is null or { Key: null, Problem: null })
            return null;
        string? problem = recording.Problem ?? experiment.RecordingProblem;
        return new(
            recording.Key,
            experiment.RecordingManifest?.Name ?? experiment.Plan.Spec.Name,
            problem is null,
            recording.ReadOnly,
            problem,
            [.. experiment.Damages.Select(damage => $"{damage}.")],
            recording.Bytes
        );
    }

    private static PhaseInfo[] Phases(TrainingProgress progress) =>
        [.. progress.Phases.Select(phase => new PhaseInfo(phase.Epochs, phase.Update, phase.Examples, phase.BatchSize))];

    private static PlaneInfo Plane(Landscape landscape, ExperimentPlan plan)
    {
        var (x, y) = landscape.Kind switch
        {
            PlaneKind.Weights when plan.Network.Model.Kind == ModelKind.Dense => plan.Network.Model.Bias
                ? ("weight w", "bias b")
                : ("weight w₁", "weight w₂"),
            PlaneKind.Weights => ("x", "y"),
            PlaneKind.Pca => ("1st component", "2nd component"),
            PlaneKind.Runs => ("towards the second run", "at a right angle to it"),
            PlaneKind.Hessian => ("1st eigenvector", "2nd eigenvector"),
            _ => ("1st direction", "2nd direction"),
        };
        var origin = landscape.Origin;
        return new()
        {
            Id = landscape.PlaneId,
            Kind = SpecVocabulary.Of(SpecVocabulary.Planes, landscape.Kind),
            Title = landscape.Title,
            Runs = origin?.Runs,
            Updates = origin?.Updates,
            Update = origin is { Runs.Count: 1, Updates: [var only] } ? only : null,
            Eigenvalues = origin?.Eigenvalues,
            Draw = origin?.Draw,
            Explained = landscape.Explained,
            ExplainedByRandomWalk = landscape.ExplainedByRandomWalk,
            XLabel = x,
            YLabel = y,
            Exact = landscape.Exact,
            Grid = landscape.GridId,
            Resolution = landscape.Resolution,
            Region = [landscape.Region.X0, landscape.Region.X1, landscape.Region.Y0, landscape.Region.Y1],
        };
    }
}
