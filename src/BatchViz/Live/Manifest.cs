using System.Text;
using System.Text.Json.Nodes;
using BatchViz.Core.Engines;
using BatchViz.Core.Sampling;
using BatchViz.Core.Specs;
using BatchViz.Lab;

namespace BatchViz.Live;

/// <summary>The JSON that describes an experiment to a page; docs/wire-format.md lists its fields.</summary>
internal static class Manifest
{
    /// <param name="recording">Its place in the library, where it is on the air.</param>
    public static byte[] Write(Experiment experiment, uint generation, uint revision, Landscape? landscape, OpenRecording? recording = null, Ceilings? ceilings = null)
    {
        var plan = experiment.Plan;
        var json = new JsonObject
        {
            ["generation"] = generation,
            ["revision"] = revision,
            ["name"] = plan.Spec.Name,
            ["title"] = plan.Title,
            ["state"] = experiment.State.ToString().ToLowerInvariant(),
            ["spec"] = SpecWriter.Write(plan.Spec),
            ["error"] = experiment.LandscapeFailure,
            ["recording"] = Recording(experiment, recording),
            ["engine"] = new JsonObject
            {
                ["name"] = experiment.Engine.Name,
                ["description"] = experiment.Engine.Description,
                ["bitExact"] = experiment.Engine.BitExact,
                ["reason"] = experiment.EngineReason,
            },
            ["data"] = new JsonObject
            {
                ["name"] = plan.Data.Name,
                ["trainExamples"] = plan.Data.Train.Count,
                ["testExamples"] = plan.Data.Test?.Count ?? 0,
                ["inputs"] = plan.Data.Inputs,
                ["outputs"] = plan.Data.Outputs,
                ["task"] = plan.Data.Task.ToString().ToLowerInvariant(),
            },
            ["machine"] = ceilings is var (fma, memory) ? new JsonObject { ["fmaGflops"] = fma, ["memoryGBs"] = memory, ["cores"] = Environment.ProcessorCount } : null,
            ["columns"] = Columns(experiment),
            ["evaluation"] = Evaluation(experiment),
            ["probes"] = new JsonArray([.. plan.Spec.Probes.Select(probe => (JsonNode)Words.Of(Words.Probes, probe))]),
            ["budget"] = new JsonObject
            {
                ["examples"] = plan.Runs.Max(run => run.TotalUpdates is { } u ? run.Progress.ExamplesAfter(u) : (long?)null),
                ["updates"] = plan.Runs.Max(run => run.TotalUpdates),
                ["epochs"] = plan.Spec.Budget.Epochs,
                ["seconds"] = plan.Spec.Budget.Seconds,
            },
            ["remainder"] = Words.Of(Words.Remainders, plan.Spec.Sampler.Remainder),
            ["pace"] = Words.Of(Words.Paces, plan.Spec.Pace),
            ["runs"] = new JsonArray([.. experiment.Runs.Select(run => (JsonNode)Run(run, plan))]),
            ["plane"] = landscape is null ? null : Plane(landscape, plan),
            ["settled"] = experiment.Finished && experiment.LandscapeSettled,
        };
        // Said where it is so, and nowhere else.
        if (TwoModes(plan.Network) is { Count: > 0 } modes) json["twoModes"] = modes;
        if (!plan.Network.Separable) json["undefined"] = new JsonArray([.. RecordLayout.ExampleColumns.Select(name => (JsonNode)name)]);
        return Encoding.UTF8.GetBytes(json.ToJsonString());
    }

    private static JsonObject Evaluation(Experiment experiment)
    {
        var json = new JsonObject { ["examples"] = experiment.EvaluationExamples, ["split"] = "train" };
        if (experiment.Plan.Network.Contrastive) json["pairs"] = NetworkSpec.PairsCompared;
        return json;
    }

    /// <summary>Layers that do something else in training than in evaluating.</summary>
    private static JsonArray TwoModes(NetworkSpec network)
    {
        var kinds = new JsonArray();
        if (network is { Layered: true, Graph.HasBatchNorm: true }) kinds.Add(Words.Of(Words.Layers, LayerKind.BatchNorm));
        if (network is { Layered: true, Graph.HasDropout: true }) kinds.Add(Words.Of(Words.Layers, LayerKind.Dropout));
        return kinds;
    }

    private static JsonArray Columns(Experiment experiment)
    {
        var layout = experiment.Runs[0].Log.Layout;
        var columns = new JsonArray();
        string lossUnit = experiment.Plan.Network.Loss is LossKind.CrossEntropy or LossKind.Logistic or LossKind.InfoNce or LossKind.SigmoidContrastive ? "nat" : "";
        foreach (var column in layout.Columns)
            columns.Add(new JsonObject
            {
                ["name"] = column.Name, ["label"] = column.Label, ["unit"] = column.Name == "loss" ? lossUnit : column.Unit,
                ["description"] = column.Description, ["live"] = LiveExperiment.IsLive(column.Name), ["deterministic"] = true,
            });
        columns.Add(new JsonObject
        {
            ["name"] = "seconds", ["label"] = "lane seconds", ["unit"] = "s", ["description"] = "processor seconds of the run's lane so far, on a shared machine",
            ["live"] = true, ["deterministic"] = false,
        });
        return columns;
    }

    private static JsonObject Run(Run run, ExperimentPlan plan) => new()
    {
        ["index"] = run.Plan.Index,
        ["id"] = run.Plan.Id,
        ["batchSize"] = run.Plan.BatchSize,
        ["phases"] = run.Plan.Fork is null && run.Plan.Progress.Phases.Count == 1 ? null : Phases(run.Plan.Progress),
        ["seed"] = run.Plan.Seed,
        ["learningRate"] = run.Plan.LearningRate,
        ["totalUpdates"] = run.Plan.TotalUpdates,
        ["parameters"] = plan.Network.ParameterCount,
        ["pool"] = plan.Spec.Sampler.Pool,
        ["flopsPerExample"] = plan.BundleOf([run.Plan]).FlopsPerExample,
        ["bytesPerUpdate"] = plan.Network.TrainingBytes(run.Plan.BatchSize, run.Plan.Optimizer.StateVectors),
        ["memory"] = new JsonObject { ["seeds"] = run.Memory.Seeds, ["predicted"] = Account(run.Memory.Predicted), ["reserved"] = run.Memory.Reserved is { } reserved ? Account(reserved) : null },
        ["state"] = run.Log.State.ToString().ToLowerInvariant(),
        ["message"] = run.Log.Message,
        ["updates"] = run.Log.Count,
        ["takenBack"] = run.TakenBack,
        ["fork"] = run.Plan.Fork is { } fork
            ? new JsonObject { ["run"] = fork.Parent, ["update"] = fork.Update, ["set"] = new JsonObject(fork.Set.Select(s => KeyValuePair.Create(s.Key, (JsonNode?)s.Value))) } : null,
    };

    private static JsonObject Account(MemoryAccount account) => new()
    {
        ["weights"] = account.Weights, ["optimizerState"] = account.OptimizerState, ["activations"] = account.Activations,
        ["gradients"] = account.Gradients, ["batch"] = account.Batch, ["workspace"] = account.Workspace, ["total"] = account.Total,
    };

    /// <summary>Null where nobody wanted it recorded.</summary>
    private static JsonObject? Recording(Experiment experiment, OpenRecording? recording)
    {
        if (recording is null or { Key: null, Problem: null }) return null;
        string? problem = recording.Problem ?? experiment.RecordingProblem;
        return new JsonObject
        {
            ["id"] = recording.Key,
            ["name"] = experiment.RecordingManifest?.Name ?? experiment.Plan.Spec.Name,
            ["kept"] = problem is null,
            ["readOnly"] = recording.ReadOnly,
            ["problem"] = problem,
            ["damages"] = new JsonArray([.. experiment.Damages.Select(damage => (JsonNode)$"{damage}.")]),
            ["bytes"] = recording.Bytes,
        };
    }

    private static JsonArray Phases(Progress progress) => [.. progress.Phases.Select(phase => (JsonNode)new JsonObject
    {
        ["epoch"] = phase.Epochs, ["update"] = phase.Update, ["examples"] = phase.Examples, ["batchSize"] = phase.BatchSize,
    })];

    private static JsonObject Plane(Landscape landscape, ExperimentPlan plan)
    {
        var (x, y) = landscape.Kind switch
        {
            PlaneKind.Weights when plan.Network.Model.Kind == ModelKind.Dense => plan.Network.Model.Bias ? ("weight w", "bias b") : ("weight w₁", "weight w₂"),
            PlaneKind.Weights => ("x", "y"),
            PlaneKind.Pca => ("1st component", "2nd component"),
            PlaneKind.Runs => ("towards the second run", "at a right angle to it"),
            PlaneKind.Hessian => ("1st eigenvector", "2nd eigenvector"),
            _ => ("1st direction", "2nd direction"),
        };
        return new JsonObject
        {
            ["id"] = landscape.PlaneId,
            ["kind"] = Words.Of(Words.Planes, landscape.Kind),
            ["title"] = landscape.Title,
            ["runs"] = landscape.Origin is { } from ? new JsonArray([.. from.Runs.Select(id => (JsonNode)id)]) : null,
            ["updates"] = landscape.Origin?.Updates is { } updates ? new JsonArray([.. updates.Select(update => (JsonNode)update)]) : null,
            ["update"] = landscape.Origin is { Runs.Count: 1, Updates: [var only] } ? only : null,
            ["eigenvalues"] = landscape.Origin?.Eigenvalues is { } eigenvalues ? new JsonArray([.. eigenvalues.Select(value => (JsonNode)value)]) : null,
            ["draw"] = landscape.Origin?.Draw,
            ["explained"] = landscape.Explained,
            ["explainedByRandomWalk"] = landscape.ExplainedByRandomWalk,
            ["xLabel"] = x,
            ["yLabel"] = y,
            ["exact"] = landscape.Exact,
            ["grid"] = landscape.GridId,
            ["resolution"] = landscape.Resolution,
            ["region"] = new JsonArray(landscape.Region.X0, landscape.Region.X1, landscape.Region.Y0, landscape.Region.Y1),
        };
    }
}
