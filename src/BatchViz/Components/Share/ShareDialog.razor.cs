using BatchViz.Web;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace BatchViz.Components.Share;

/// <summary>The two links, and who is watching.</summary>
public sealed partial class ShareDialog : ComponentBase
{
    private Dialog dialog = default!;
    private ShareAddress address = new("", false);
    private QrPath qr = new(0, "");
    private bool ownerShown;

    [Inject]
    private ServeOptions Options { get; set; } = default!;

    [Inject]
    private Links Links { get; set; } = default!;

    [Inject]
    private NavigationManager Navigation { get; set; } = default!;

    [Inject]
    private IServer Server { get; set; } = default!;

    [Parameter]
    public int Watching { get; set; }

    private string ViewerLink => $"{address.Base}join/{Links.Viewer}";

    private string OwnerLink => $"{address.Base}join/{Links.Owner}";

    public void Open()
    {
        var listening = Server.Features.Get<IServerAddressesFeature>()?.Addresses ?? [];
        address = Options.PublicUrl is { } named
            ? new ShareAddress(named.ToString(), true)
            : ShareAddress.Of(new Uri(Navigation.BaseUri), listening, ShareAddress.OwnAddresses());
        qr = QrPath.Of(ViewerLink);
        ownerShown = false;
        dialog.Open();
    }
}
