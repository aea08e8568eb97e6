using System.Text.Json.Nodes;

namespace BatchViz.Core.Specs;

/// <summary>
/// Writes a spec as an experiment file that <see cref="SpecReader"/> reads back to the same spec; what does not apply is left out.
/// </summary>
public static class SpecWriter
{
    public static JsonObject Write(ExperimentSpec spec)
    {
        var json = new JsonObject
        {
            ["name"] = spec.Name,
            ["data"] = Data(spec.Data),
            ["model"] = Model(spec.Model),
            ["loss"] = SpecVocabulary.Of(SpecVocabulary.Losses, spec.Loss),
            ["optimizer"] = Optimizer(spec.Optimizer),
        };
        LearningRate(spec.LearningRate, json);
        if (spec.Schedule is not { Kind: ScheduleKind.Constant, Warmup: null })
            json["schedule"] = Schedule(spec.Schedule);
        json["batchSizes"] = new JsonArray([.. spec.BatchSizes.Select(b => b.IsFull ? (JsonNode)"full" : b.Examples)]);
        if (spec.BatchSchedule is { } growth)
            json["batchSchedule"] = BatchSchedule(growth);
        Put(json, "microBatch", spec.MicroBatch);
        json["seeds"] = new JsonArray([.. spec.Seeds.Select(s => (JsonNode)s)]);
        json["sampler"] = new JsonObject
        {
            ["order"] = SpecVocabulary.Of(SpecVocabulary.Orders, spec.Sampler.Order),
            ["remainder"] = SpecVocabulary.Of(SpecVocabulary.Remainders, spec.Sampler.Remainder),
        };
        if (spec.Sampler.Pool is { } pool)
            json["sampler"]!["hard"] = new JsonObject { ["pool"] = pool };
        if (spec.Workers is { } workers)
        {
            json["workers"] = new JsonObject
            {
                ["count"] = workers.Count,
                ["mode"] = SpecVocabulary.Of(SpecVocabulary.WorkerModes, workers.Mode),
            };
            Put((JsonObject)json["workers"]!, "staleness", workers.Staleness);
        }
        json["budget"] = spec.Budget switch
        {
            { Epochs: { } epochs } => new JsonObject { ["epochs"] = epochs },
            { Updates: { } updates } => new JsonObject { ["updates"] = updates },
            { Examples: { } examples } => new JsonObject { ["examples"] = examples },
            _ => new JsonObject { ["seconds"] = spec.Budget.Seconds },
        };
        json["pace"] = SpecVocabulary.Of(SpecVocabulary.Paces, spec.Pace);
        json["landscape"] = new JsonObject
        {
            ["plane"] = SpecVocabulary.Of(SpecVocabulary.Planes, spec.Landscape.Plane),
            ["evaluationExamples"] = spec.Landscape.EvaluationExamples,
            ["resolution"] = spec.Landscape.Resolution,
        };
        if (spec.Probes.Count > 0)
            json["probes"] = new JsonArray([.. spec.Probes.Select(p => (JsonNode)SpecVocabulary.Of(SpecVocabulary.Probes, p))]);
        if (spec.Engine is { } engine)
            json["engine"] = engine;
        if (spec.Precision is { } precision)
            json["precision"] = SpecVocabulary.Of(SpecVocabulary.Precisions, precision);
        return json;
    }

    private static JsonObject Data(DataSpec data)
    {
        var json = new JsonObject { ["kind"] = SpecVocabulary.Of(SpecVocabulary.Data, data.Kind) };
        Put(json, "trainExamples", data.TrainExamples);
        Put(json, "testExamples", data.TestExamples);
        if (data.Noise is { } noise)
            json["noise"] = noise;
        if (data.Seed != 1)
            json["seed"] = data.Seed;
        if (data.Base is { } of)
            json["base"] = SpecVocabulary.Of(SpecVocabulary.Data, of);
        if (data.Augmentation is { } augmentation)
            json["augmentation"] = augmentation;
        if (data.Turns is { } turns)
            json["turns"] = turns;
        Put(json, "folder", data.Folder);
        Put(json, "file", data.File);
        Put(json, "label", data.Label);
        if (data.Regression)
            json["regression"] = true;
        if (data.TestFraction is { } fraction)
            json["testFraction"] = fraction;
        Put(json, "trainImages", data.TrainImages);
        Put(json, "trainLabels", data.TrainLabels);
        Put(json, "testImages", data.TestImages);
        Put(json, "testLabels", data.TestLabels);
        return json;
    }

    private static JsonObject Model(ModelSpec model)
    {
        var json = new JsonObject { ["kind"] = SpecVocabulary.Of(SpecVocabulary.Models, model.Kind) };
        if (model.Kind == ModelKind.Dense)
        {
            json["hidden"] = new JsonArray([.. model.Hidden.Select(w => (JsonNode)w)]);
            json["activation"] = SpecVocabulary.Of(SpecVocabulary.Activations, model.Activation);
            if (model.OutputActivation != Activation.Linear)
                json["outputActivation"] = SpecVocabulary.Of(SpecVocabulary.Activations, model.OutputActivation);
            if (!model.Bias)
                json["bias"] = false;
            if (model.Initializer != Initializer.Auto)
                json["initializer"] = SpecVocabulary.Of(SpecVocabulary.Initializers, model.Initializer);
        }
        if (model.Kind == ModelKind.Layers)
            LayerFile.WriteModel(model, json);
        if (model.Start is { } start)
            json["start"] = new JsonArray([.. start.Select(w => (JsonNode)w)]);
        return json;
    }

    private static JsonObject Optimizer(OptimizerSpec optimizer)
    {
        var json = new JsonObject { ["kind"] = SpecVocabulary.Of(SpecVocabulary.Optimizers, optimizer.Kind) };
        if (optimizer.HasMomentum)
            json["momentum"] = optimizer.Momentum;
        if (optimizer.HasTrust)
            json["trust"] = optimizer.Trust;
        if (optimizer.HasBetas)
        {
            json["beta1"] = optimizer.Beta1;
            json["beta2"] = optimizer.Beta2;
        }
        if (optimizer.HasRho)
            json["rho"] = optimizer.Rho;
        if (optimizer.HasMemory)
            json["memory"] = optimizer.Memory;
        if (optimizer.UsesLineSearch)
            json["lineSearch"] = SpecVocabulary.Of(SpecVocabulary.LineSearches, optimizer.LineSearch);
        if (optimizer.HasTrials)
            json["trials"] = optimizer.Trials;
        if (optimizer.HasEpsilon)
            json["epsilon"] = optimizer.Epsilon;
        if (optimizer.WeightDecay != new OptimizerSpec { Kind = optimizer.Kind }.WeightDecay)
            json["weightDecay"] = optimizer.WeightDecay;
        return json;
    }

    private static JsonObject Schedule(ScheduleSpec schedule)
    {
        var json = new JsonObject { ["kind"] = SpecVocabulary.Of(SpecVocabulary.Schedules, schedule.Kind) };
        if (schedule.Kind == ScheduleKind.Step)
        {
            json["factor"] = schedule.Factor;
            json["everyEpochs"] = schedule.EveryEpochs;
        }
        if (schedule.Kind == ScheduleKind.Cosine)
        {
            if (schedule.Epochs is { } epochs)
                json["epochs"] = epochs;
            json["floor"] = schedule.Floor;
        }
        if (schedule.Warmup is { } warmup)
            json["warmup"] = new JsonObject
            {
                ["kind"] = SpecVocabulary.Of(SpecVocabulary.Warmups, warmup.Kind),
                ["epochs"] = warmup.Epochs,
                ["factor"] = warmup.Factor,
            };
        return json;
    }

    private static JsonObject BatchSchedule(BatchScheduleSpec growth)
    {
        var json = new JsonObject { ["factor"] = growth.Factor, ["everyEpochs"] = growth.EveryEpochs };
        Put(json, "maximum", growth.Maximum);
        return json;
    }

    private static void LearningRate(LearningRateSpec rate, JsonObject json)
    {
        if (rate.Rule == LearningRateRule.Tuned)
        {
            json["learningRate"] = new JsonObject(rate.Tuned!.Select(p => KeyValuePair.Create(p.Key, (JsonNode?)p.Value)));
            return;
        }
        json["learningRate"] = rate.Rate;
        json["learningRateRule"] = SpecVocabulary.Of(SpecVocabulary.Rules, rate.Rule);
        if (rate.Rule != LearningRateRule.Constant || rate.ReferenceBatchSize != 32)
            json["referenceBatchSize"] = rate.ReferenceBatchSize;
    }

    private static void Put(JsonObject json, string key, string? value)
    {
        if (value is not null)
            json[key] = value;
    }

    private static void Put(JsonObject json, string key, int? value)
    {
        if (value is { } number)
            json[key] = number;
    }
}
