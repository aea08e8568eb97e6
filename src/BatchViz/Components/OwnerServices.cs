using MudBlazor;
using MudBlazor.Services;

namespace BatchViz.Components;

internal static class OwnerServices
{
    /// <summary>What the components of an owner's page need beside the host's own services.</summary>
    public static IServiceCollection AddOwnerComponents(this IServiceCollection services)
    {
        services.AddMudServices(mud =>
        {
            mud.SnackbarConfiguration.PositionClass = Defaults.Classes.Position.BottomRight;
            mud.SnackbarConfiguration.HideTransitionDuration = 0;
        });
        services.AddSingleton<MudLocalizer, MudWords>();
        return services.AddScoped<OwnerScript>();
    }
}
