using System.Text.Json.Nodes;
using static BatchViz.Core.Language;

namespace BatchViz.Core.Specs;

/// <summary>Layers in experiment files: read strictly, and written so that they read back the same.</summary>
internal static class LayerFile
{
    public const int MaxLayers = 200,
        MaxDepth = 4,
        MaxKernel = 64;

    /// <summary>A model of layers, or of a preset.</summary>
    public static ModelSpec ReadModel(StrictJsonReader model)
    {
        ModelSpec spec;
        if (model.Text("preset") is { } name)
        {
            spec =
                ModelPresets.Find(name)
                ?? throw new RefusedException(
                    Tr(
                        $"\"model.preset\" is \"{UntrustedText.Shorten(name)}\"; it must be one of {string.Join(", ", ModelPresets.Names.Select(n => $"\"{n}\""))}.",
                        $"\"model.preset\" 是 \"{UntrustedText.Shorten(name)}\"；必须是下列之一：{string.Join(", ", ModelPresets.Names.Select(n => $"\"{n}\""))}。"
                    )
                );
        }
        else
        {
            spec = new ModelSpec
            {
                Kind = ModelKind.Layers,
                Layers =
                    Read(model, "layers", 0)
                    ?? throw model.Missing(
                        "layers",
                        Tr("a list such as [{ \"kind\": \"dense\" }]", "列表，例如 [{ \"kind\": \"dense\" }]")
                    ),
                Towers = (int)(model.Whole("towers", 1, 2) ?? 1),
            };
        }
        spec = spec with { Initializer = model.Choice("initializer", SpecVocabulary.Initializers) ?? Initializer.Auto };
        if (spec.Kind != ModelKind.Layers)
            return spec;
        return spec with
        {
            Temperature = model.Number("temperature", 1e-3, 100) ?? spec.Temperature,
            LearnTemperature = model.Flag("learnTemperature") ?? spec.LearnTemperature,
        };
    }

    public static void WriteModel(ModelSpec model, JsonObject json)
    {
        var plain = new ModelSpec();
        if (model.Preset is { } preset)
        {
            json.Remove("kind");
            json["preset"] = preset;
        }
        else
        {
            json["layers"] = Write(model.Layers);
            if (model.Towers != 1)
                json["towers"] = model.Towers;
        }
        if (model.Initializer != Initializer.Auto)
            json["initializer"] = SpecVocabulary.Of(SpecVocabulary.Initializers, model.Initializer);
        if (model.Temperature != plain.Temperature)
            json["temperature"] = model.Temperature;
        if (!model.LearnTemperature)
            json["learnTemperature"] = false;
    }

    private static IReadOnlyList<LayerSpec>? Read(StrictJsonReader from, string key, int depth)
    {
        if (from.Objects(key, depth == 0 ? 1 : 0, MaxLayers) is not { } layers)
            return null;
        if (depth > MaxDepth)
            throw new RefusedException(
                Tr(
                    $"\"{from.At(key)}\" is nested more than {MaxDepth} residual layers deep.",
                    $"\"{from.At(key)}\" 的 residual 嵌套超过 {MaxDepth} 层。"
                )
            );
        return [.. layers.Select(layer => Read(layer, depth))];
    }

    private static LayerSpec Read(StrictJsonReader layer, int depth)
    {
        var kind =
            layer.Choice("kind", SpecVocabulary.Layers)
            ?? throw layer.Missing(
                "kind",
                Tr("one of ", "下列之一：") + string.Join(", ", SpecVocabulary.Layers.Select(w => $"\"{w.Word}\""))
            );
        var spec = new LayerSpec(kind);
        switch (kind)
        {
            case LayerKind.Conv2d:
                spec = spec with
                {
                    Filters =
                        Whole("filters", 1, SpecReader.MaxWidth)
                        ?? throw layer.Missing("filters", Tr("a number of output channels", "输出通道数")),
                    Kernel =
                        Whole("kernel", 1, MaxKernel)
                        ?? throw layer.Missing("kernel", Tr("the rows and columns of a filter", "卷积核的行列数")),
                    Stride = Whole("stride", 1, MaxKernel) ?? 1,
                    Groups = Whole("groups", 1, SpecReader.MaxWidth) ?? 1,
                    Bias = layer.Flag("bias") ?? true,
                };
                spec = spec with { Padding = Whole("padding", 0, MaxKernel - 1) ?? 0 };
                if (spec.Padding >= spec.Kernel)
                    throw new RefusedException(
                        Tr(
                            $"\"{layer.At("padding")}\" is {spec.Padding}; it must be less than the kernel of {spec.Kernel}.",
                            $"\"{layer.At("padding")}\" 是 {spec.Padding}；必须小于卷积核 {spec.Kernel}。"
                        )
                    );
                break;
            case LayerKind.MaxPool:
                int kernel =
                    Whole("kernel", 1, MaxKernel) ?? throw layer.Missing("kernel", Tr("the rows and columns of a window", "窗口的行列数"));
                spec = spec with { Kernel = kernel, Stride = Whole("stride", 1, MaxKernel) ?? kernel };
                break;
            case LayerKind.AvgPool:
                // Without a window the whole image is one.
                int window = Whole("kernel", 1, MaxKernel) ?? 0;
                spec = spec with { Kernel = window, Stride = window == 0 ? 1 : Whole("stride", 1, MaxKernel) ?? window };
                break;
            case LayerKind.Dense:
                spec = spec with { Units = Whole("units", 1, SpecReader.MaxWidth), Bias = layer.Flag("bias") ?? true };
                break;
            case LayerKind.BatchNorm:
                spec = spec with { Momentum = layer.Number("momentum", 0, 1) ?? spec.Momentum, Epsilon = Epsilon() };
                break;
            case LayerKind.GroupNorm:
                spec = spec with
                {
                    Groups = Whole("groups", 1, SpecReader.MaxWidth) ?? throw layer.Missing("groups", Tr("a number of groups", "组数")),
                    Epsilon = Epsilon(),
                };
                break;
            case LayerKind.LayerNorm:
                spec = spec with { Epsilon = Epsilon() };
                break;
            case LayerKind.Dropout:
                spec = spec with { Rate = layer.Number("rate", 0, 0.99) ?? spec.Rate };
                break;
            case LayerKind.Activation:
                spec = spec with { Function = layer.Choice("function", SpecVocabulary.Activations) ?? Activation.Relu };
                break;
            case LayerKind.Residual:
                spec = spec with
                {
                    Layers = Read(layer, "layers", depth + 1) ?? throw layer.Missing("layers", Tr("a list of layers", "层的列表")),
                    Projection = Read(layer, "projection", depth + 1) ?? [],
                };
                break;
        }
        layer.Done();
        return spec;

        int? Whole(string key, int min, int max) => (int?)layer.Whole(key, min, max);
        double Epsilon() => layer.Number("epsilon", 1e-12, 1) ?? 1e-5;
    }

    private static JsonArray Write(IReadOnlyList<LayerSpec> layers) => new([.. layers.Select(layer => (JsonNode)Write(layer))]);

    private static JsonObject Write(LayerSpec layer)
    {
        var json = new JsonObject { ["kind"] = SpecVocabulary.Of(SpecVocabulary.Layers, layer.Kind) };
        switch (layer.Kind)
        {
            case LayerKind.Conv2d:
                json["filters"] = layer.Filters;
                json["kernel"] = layer.Kernel;
                if (layer.Stride != 1)
                    json["stride"] = layer.Stride;
                if (layer.Padding != 0)
                    json["padding"] = layer.Padding;
                if (layer.Groups != 1)
                    json["groups"] = layer.Groups;
                if (!layer.Bias)
                    json["bias"] = false;
                break;
            case LayerKind.MaxPool or LayerKind.AvgPool when layer.Kernel > 0:
                json["kernel"] = layer.Kernel;
                if (layer.Stride != layer.Kernel)
                    json["stride"] = layer.Stride;
                break;
            case LayerKind.Dense:
                if (layer.Units is { } units)
                    json["units"] = units;
                if (!layer.Bias)
                    json["bias"] = false;
                break;
            case LayerKind.BatchNorm:
                json["momentum"] = layer.Momentum;
                json["epsilon"] = layer.Epsilon;
                break;
            case LayerKind.GroupNorm:
                json["groups"] = layer.Groups;
                json["epsilon"] = layer.Epsilon;
                break;
            case LayerKind.LayerNorm:
                json["epsilon"] = layer.Epsilon;
                break;
            case LayerKind.Dropout:
                json["rate"] = layer.Rate;
                break;
            case LayerKind.Activation:
                json["function"] = SpecVocabulary.Of(SpecVocabulary.Activations, layer.Function);
                break;
            case LayerKind.Residual:
                json["layers"] = Write(layer.Layers);
                if (layer.Projection.Count > 0)
                    json["projection"] = Write(layer.Projection);
                break;
        }
        return json;
    }
}
